"""Scenarios drawn from a seed, and scenarios by name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from snn_ros.simulation.scenario_files import ScenarioError, find_scenario
from snn_ros.simulation.street.appearance import LIGHTS, SEASONS
from snn_ros.simulation.street.layout import TURNS
from snn_ros.simulation.street.scenario import (
    StreetScenario,
    load_street_scenario,
    street_scenario,
)

RANDOM = "street-random"

_KINDS = {"street": 0.35, "crossing": 0.2, "highway": 0.15, "route": 0.15, "campus": 0.1}
_KINDS["parking"] = 1.0 - sum(_KINDS.values())
_LIGHT_SHARES = {"day": 0.5, "overcast": 0.2, "dusk": 0.15, "night": 0.15}
_START_SPEEDS = {
    "street": (4.0, 10.0),
    "crossing": (4.0, 9.0),
    "highway": (18.0, 28.0),
    "route": (4.0, 9.0),
    "campus": (1.5, 3.5),
    "parking": (1.5, 3.5),
}
_MOST = {  # vehicles, cyclists, pedestrians, who cross
    "street": (18, 5, 16, 3),
    "crossing": (16, 4, 14, 4),
    "highway": (36, 0, 0, 0),
    "route": (18, 5, 20, 4),
    "campus": (2, 7, 28, 0),
    "parking": (4, 0, 8, 0),
}
_EVENTS = {
    "street": ("stop", "crossing_pedestrian", "blocked_lane", "oncoming"),
    "crossing": ("stop", "crossing_pedestrian"),
    "highway": ("stop", "cut_in"),
    "route": ("stop", "crossing_pedestrian", "blocked_lane", "oncoming"),
    "campus": ("crossing_pedestrian",),
    "parking": ("crossing_pedestrian",),
}
_EVENT = 0.5  # probability of one
_DURATION = 20.0


def open_street_scenario(name: str, folder: Path) -> StreetScenario:
    """A scenario by ``street-random:SEED``, by the name of a shipped one, or by its file.

    Args:
        name: see above.
        folder: where the named scenarios are.

    Raises:
        ScenarioError: there is none of that name, or the seed is no number.
        ConfigurationError: lists everything that is wrong in the file.
    """
    kind, _, seed = name.partition(":")
    if kind != RANDOM:
        return load_street_scenario(find_scenario(name, folder))
    if not seed.isdecimal():
        raise ScenarioError(f"scenario = {name!r}: must be {RANDOM}:SEED with a whole number")
    return random_street_scenario(int(seed))


def random_street_scenario(seed: int) -> StreetScenario:
    """The scenario of a seed: always the same, and one in which everybody finds a place.

    Args:
        seed: at least 0.
    """
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    speed = float(rng.uniform(*_START_SPEEDS[kind]))
    values: dict[str, Any] = {
        "description": f"drawn from seed {seed}",
        "duration": _DURATION,
        "seed": seed,
        "layout": _layout(kind, rng),
        "ego": _ego(kind, speed, rng),
        "traffic": _traffic(kind, rng),
        "appearance": _appearance(rng),
        "events": [_event(kind, speed, rng)] if rng.random() < _EVENT else [],
    }
    return street_scenario(values, f"{RANDOM}:{seed}")


def _layout(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": kind}
    if kind in ("street", "highway") and rng.random() < 0.5:
        values["bend"] = float(rng.uniform(-45.0, 45.0))
    if kind == "street" and rng.random() < 0.3:
        values["lanes"] = 2
    return values


def _ego(kind: str, speed: float, rng: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {
        "position": float(rng.uniform(15.0, 50.0)),
        "speed": speed,
        "lateral_offset": float(np.clip(rng.normal(0.0, 0.1), -0.3, 0.3)),
    }
    if kind == "crossing":
        values["route"] = [str(rng.choice(TURNS))]
    if kind == "highway":
        values["lane"] = 1
    return values


def _traffic(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    names = ("vehicles", "cyclists", "pedestrians", "crossing")
    counts = {
        name: int(rng.integers(0, most + 1)) for name, most in zip(names, _MOST[kind], strict=True)
    }
    shares = {
        "vans": float(rng.uniform(0.05, 0.3)),
        "trucks": float(rng.uniform(0.0, 0.2)),
        "parked": float(rng.uniform(0.1, 1.0)),
    }
    return counts | shares


def _appearance(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "light": str(rng.choice(LIGHTS, p=[_LIGHT_SHARES[light] for light in LIGHTS])),
        "season": str(rng.choice(SEASONS)),
        "sun_azimuth": float(rng.uniform(0.0, 2.0 * math.pi)),
        "sun_elevation": float(rng.uniform(0.15, 1.1)),
    }


def _event(kind: str, speed: float, rng: np.random.Generator) -> dict[str, Any]:
    event = str(rng.choice(_EVENTS[kind]))
    time = float(rng.uniform(2.0, 6.0))
    # far enough to stop for: 2.5 s of driving and the way of braking with 4 m/s²
    room = 12.0 + 2.5 * speed + speed**2 / 8.0
    values: dict[str, Any] = {"kind": event, "time": time}
    if event in ("cut_in", "stop"):
        values["distance"] = 8.0 + float(rng.uniform(1.0, 1.6)) * speed
        values["side"] = "right"
    elif event == "oncoming":
        values["distance"] = float(rng.uniform(90.0, 160.0))
    else:
        values["distance"] = float(rng.uniform(room, room + 15.0))
        values["side"] = str(rng.choice(("left", "right")))
        values["time"] = 0.5 if event == "crossing_pedestrian" else 0.0
    return values
