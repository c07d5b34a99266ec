"""Yaw, surge and altitude of the MuJoCo blimp on patrol: spiking heads beside the PD, same run.

Example: ``python -m benchmarks.blimp_patrol``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.output import json_target, publish
from snn_ros.nodes.piloted_flight import answer, make_pilot
from snn_ros.simulation.flight import MOTORS_OFF, Flight, MotorCommand
from snn_ros.simulation.scenario import load_scenario

_SCENARIO = Path(__file__).resolve().parent.parent / "config" / "scenarios" / "blimp_patrol.yaml"
_FIGURES = ("heading_rmse_rad", "speed_rmse_m_s", "altitude_rmse_m", "pitch_rate_rms_rad_s")
_PITCH_DAMPING = 0.2  # N s/rad


def patrol(controller: str, pitch_damping: float = 0.0) -> dict[str, float]:
    """RMSE of a patrol.

    Args:
        controller: ``snn`` or ``pid``, of all axes.
        pitch_damping: as the parameter ``planar.pitch_damping``, in N s/rad.

    Returns:
        Errors of the heading in rad, of the speed in m/s and of the altitude in m, and the pitch
        rate in rad/s. The heading asked for is the integral of the yaw rate asked for.
    """
    scenario = load_scenario(_SCENARIO)
    flight, pilot = Flight(scenario), make_pilot(scenario, controller)
    pilot.planar.config = replace(pilot.planar.config, pitch_damping=pitch_damping)
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
                    frame.velocity[4],
                )
            )
    rmse = np.sqrt(np.mean(np.square(errors), axis=0)).tolist()
    if pilot.planar.fault:
        raise RuntimeError(f"the PD took over: {pilot.planar.fault}")
    return dict(zip(_FIGURES, rmse, strict=True))


def main() -> None:
    """Fly three times and publish."""
    target = json_target(__doc__)
    flights = {
        "snn": patrol("snn"),
        "pid": patrol("pid"),
        "snn_pitch_damped": patrol("snn", _PITCH_DAMPING),
    }
    scores = {
        f"{flight}_{name}": value
        for flight, found in flights.items()
        for name, value in found.items()
    }
    publish("blimp_control", _SCENARIO.stem, scores, target)


if __name__ == "__main__":
    main()
