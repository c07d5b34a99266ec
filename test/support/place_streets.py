"""The simulated kilometre as a camera sees it, a picture every few metres."""

import dataclasses
from pathlib import Path

import numpy as np

from snn_ros.simulation.street.scenario import load_street_scenario
from snn_ros.simulation.street.simulation import StreetSimulation

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"


def seen_along(
    name: str, spacing: float, end: float, width: int = 160
) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures (H, W, 3) RGB of the left camera, and (N,) where along the route in m.

    Args:
        name: of the scenario.
        spacing: between pictures in m, from 20 m on.
        end: of the drive along the route in m.
        width: of a picture in pixels.
    """
    scenario = load_street_scenario(SCENARIOS / f"{name}.yaml")
    sensors = dataclasses.replace(scenario.sensors, stereo_width=width)
    images, where, due = [], [], 20.0
    with StreetSimulation(dataclasses.replace(scenario, sensors=sensors)) as street:
        while not street.finished and due <= end:
            frame = street.drive.advance()
            if frame.route_position >= due:
                street.scene.place(frame.actors, frame.ego.actor_state, frame.time)
                images.append(street.rig.capture(street.scene.data)["left"])
                where.append(frame.route_position)
                due += spacing
    return images, np.array(where)
