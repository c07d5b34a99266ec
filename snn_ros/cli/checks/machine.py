"""Threads, clock and renderer of this machine."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Mapping

from snn_ros.cli.checks.findings import FAIL, OK, WARN, Check, Finding
from snn_ros.errors import SnnRosError

_BUILT_IN = 1_767_225_600.0  # s; 2026-01-01, before which this package did not exist
_CLOCK_WINDOW = 0.2  # s
_CLOCK_TOLERANCE = 0.02  # s; more than scheduling delays, less than a step


def threads(environment: Mapping[str, str] = os.environ) -> Iterable[Finding]:
    """Whether thread pools will fight over the cores."""
    cores = len(os.sched_getaffinity(0))
    count = environment.get("OMP_NUM_THREADS", "")
    policy = environment.get("OMP_WAIT_POLICY", "")
    if count.isdigit() and int(count) > cores:
        yield Finding(
            WARN, f"OMP_NUM_THREADS={count} on {cores} cores", "unset it; the launcher sets 1"
        )
    if policy.upper() == "ACTIVE":
        yield Finding(
            WARN,
            "OMP_WAIT_POLICY=ACTIVE: idle threads keep cores busy",
            "unset it; the launcher sets PASSIVE",
        )
    elif not count.isdigit() or int(count) <= cores:
        yield Finding(OK, f"{cores} cores, one thread for each node unless told otherwise")


def clock(
    wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
) -> Iterable[Finding]:
    """Whether the system clock is set and runs like the steady one."""
    began = wall(), steady()
    time.sleep(_CLOCK_WINDOW)
    drift = (wall() - began[0]) - (steady() - began[1])
    remedy = "set it: timedatectl set-ntp true"
    if began[0] < _BUILT_IN:
        yield Finding(FAIL, f"the system clock says {time.ctime(began[0])}", remedy)
    elif abs(drift) > _CLOCK_TOLERANCE:
        yield Finding(
            WARN, f"the system clock moved {drift:+.3f} s in {_CLOCK_WINDOW} s on its own", remedy
        )
    else:
        yield Finding(OK, "set, and steady")


def renderer() -> Iterable[Finding]:
    """Whether MuJoCo can draw without a display."""
    mujoco = importlib.import_module("mujoco")
    render = importlib.import_module("snn_ros.simulation.render")
    model = mujoco.MjModel.from_xml_string("<mujoco><worldbody/></mujoco>")
    try:
        render.Renderer(model, width=8, height=8).close()
    except SnnRosError as err:
        yield Finding(WARN, f"no pictures of simulations, no simulated cameras: {err}")
    else:
        yield Finding(OK, f"MuJoCo {mujoco.__version__} draws without a display")


CHECKS = (
    Check("threads", threads),
    Check("clock", clock),
    Check("renderer", renderer),
)
