"""Yaw, surge and altitude of the MuJoCo blimp on patrol: spiking heads beside the PD, same run.

Example: ``python -m benchmarks.blimp_patrol``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.output import json_target, publish
from snn_ros.nodes.piloted_flight import answer, make_pilot
from snn_ros.simulation.flight import MOTORS_OFF, Flight, MotorCommand
from snn_ros.simulation.scenario import load_scenario

_SCENARIO = Path(__file__).resolve().parent.parent / "config" / "scenarios" / "blimp_patrol.yaml"


def patrol(controller: str) -> dict[str, float]:
    """RMSE of a patrol.

    Args:
        controller: ``snn`` or ``pid``, of all axes.

    Returns:
        Errors of the heading in rad, of the speed in m/s and of the altitude in m. The heading
        asked for is the integral of the yaw rate asked for.
    """
    scenario = load_scenario(_SCENARIO)
    flight, pilot = Flight(scenario), make_pilot(scenario, controller)
    pilot.activate(0.0)
    command, errors = MOTORS_OFF, []
    heading = scenario.start.yaw
    while not flight.finished:
        frame = flight.advance(command)
        control = answer(pilot, frame).control
        command = MotorCommand(control.thrust_left, control.thrust_right, control.tilt)
        wanted = frame.velocity_setpoint
        if wanted is not None and frame.setpoint is not None:
            heading += wanted.yaw_rate * scenario.control_period
            yaw = math.atan2(frame.pose[1, 0], frame.pose[0, 0])
            errors.append(
                (
                    math.remainder(heading - yaw, math.tau),
                    wanted.speed - frame.velocity[0],
                    frame.setpoint - frame.altitude,
                )
            )
    rmse = np.sqrt(np.mean(np.square(errors), axis=0)).tolist()
    if pilot.planar.fault:
        raise RuntimeError(f"the PD took over: {pilot.planar.fault}")
    return dict(zip(("heading_rmse_rad", "speed_rmse_m_s", "altitude_rmse_m"), rmse, strict=True))


def main() -> None:
    """Fly twice and publish."""
    target = json_target(__doc__)
    scores = {
        f"{controller}_{name}": value
        for controller in ("snn", "pid")
        for name, value in patrol(controller).items()
    }
    publish("blimp_control", _SCENARIO.stem, scores, target)


if __name__ == "__main__":
    main()
