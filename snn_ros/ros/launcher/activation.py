"""Asks a process of its own which nodes are active, so that the launcher stays out of the graph.

Fast DDS may hang for good while it leaves a graph that other nodes leave as well, and no Python of
that process runs any more. The watching process is killed then; the launcher could not be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping

_WATCH = "snn_ros.ros.launcher.lifecycle"
_POLL = 0.05  # s
_START_TIME = 15.0  # s that the process may need before its own clock starts
_ANSWER_TIME = 5.0  # s from being told to stop to the answer


def wait_active(
    names: Collection[str],
    timeout: float,
    environment: Mapping[str, str],
    keep_waiting: Callable[[], bool],
) -> dict[str, str]:
    """Wait until nodes are active, or in the graph where they have no life cycle.

    Args:
        names: their fully qualified names.
        timeout: in s.
        environment: of the watching process, with the domain of the nodes.
        keep_waiting: asked twenty times a second; waiting ends when it says no.

    Returns:
        What is known of each node that is not, by name. Empty when all are.
    """
    if not names:
        return {}
    watch = subprocess.Popen(
        [sys.executable, "-m", _WATCH, str(timeout), *names],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        answer = _answer(watch, timeout + _START_TIME, keep_waiting)
    finally:
        watch.kill()
        watch.wait()
    return json.loads(answer) if answer else dict.fromkeys(names, "unknown")


def _answer(watch: subprocess.Popen[str], timeout: float, keep_waiting: Callable[[], bool]) -> str:
    """What the process prints in the end; empty if it does not."""
    deadline = time.monotonic() + timeout
    while keep_waiting() and time.monotonic() < deadline:
        try:
            return watch.communicate(timeout=_POLL)[0]
        except subprocess.TimeoutExpired:
            continue
    watch.terminate()
    try:
        return watch.communicate(timeout=_ANSWER_TIME)[0]
    except subprocess.TimeoutExpired:
        return ""
