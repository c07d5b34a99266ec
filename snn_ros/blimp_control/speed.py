"""How fast the controller steps and the simulator flies."""

from __future__ import annotations

import time

import numpy as np

from snn_ros.blimp_control import weights
from snn_ros.blimp_control.domains import random_domains
from snn_ros.blimp_control.evaluation import step_latency
from snn_ros.blimp_control.pipeline import INT32, NUMPY, BlimpController, ControllerConfig
from snn_ros.blimp_control.simulator import fly, pack

_WARM_UP = 200
_STEPS = 20_000
_DOMAINS, _DURATION = 256, 200.0  # s


def measure(profile: str = "edge") -> dict[str, float]:
    """Step time of each back end in µs, and network ticks per second of the simulator.

    Args:
        profile: whose published weights are used.
    """
    figures: dict[str, float] = {}
    for backend in (NUMPY, INT32):
        controller = BlimpController.from_config(profile, config=ControllerConfig(backend=backend))
        step_latency(controller, _WARM_UP)
        durations = step_latency(controller, _STEPS) * 1e6
        for percentile in (50, 99):
            value = float(np.percentile(durations, percentile))
            figures[f"{backend}_step_us_p{percentile}"] = value
    figures["simulator_ticks_per_s"] = simulator_speed(profile)
    return figures


def simulator_speed(profile: str = "edge") -> float:
    """Network ticks per second of wall time, on all cores Numba uses, compilation left out."""
    network, _ = weights.load(weights.default_path(profile), profile)
    packed = pack([network])
    domains = random_domains(np.random.default_rng(0), _DOMAINS, _DURATION)
    fly(packed, domains)
    began = time.perf_counter()
    flights = fly(packed, domains)
    return flights.u.size / (time.perf_counter() - began)
