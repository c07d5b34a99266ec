"""Pictures along a simulated street, as another drive of the same street sees it, too."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.street.simulation import StreetSimulation

_FIRST = 20.0  # m along the route


def photographed(
    scenario: StreetScenario,
    spacing: float,
    end: float,
    width: int = 160,
    *,
    at_least: bool = False,
) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
    """Pictures (H, W, 3) RGB of the left camera, and (N,) where along the route in m.

    Args:
        scenario: with cameras.
        spacing: between pictures in m, from 20 m on.
        end: of the drive along the route in m.
        width: of a picture in pixels.
        at_least: no two pictures are nearer to each other; else they are so far apart on average.

    Raises:
        RendererError: there is no off-screen renderer on this machine.
    """
    sensors = dataclasses.replace(scenario.sensors, stereo_width=width)
    images, where, due = [], [], _FIRST
    with StreetSimulation(dataclasses.replace(scenario, sensors=sensors)) as street:
        assert street.rig is not None  # the scenario has cameras
        while not street.finished and due <= end:
            frame = street.drive.advance()
            if frame.route_position >= due:
                street.scene.place(frame.actors, frame.ego.actor_state, frame.time)
                images.append(street.rig.capture(street.scene.data)["left"])
                where.append(frame.route_position)
                due = spacing + (frame.route_position if at_least else due)
    return images, np.array(where)
