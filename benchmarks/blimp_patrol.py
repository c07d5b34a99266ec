"""Yaw, surge and altitude of the MuJoCo blimp on patrol: spiking heads beside the PD, same run.

Example: ``python -m benchmarks.blimp_patrol``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.output import json_target, publish
from snn_ros.blimp_control import (
    BlimpController,
    BlimpPilot,
    BlimpSupervisor,
    ControllerConfig,
    PilotOutput,
)
from snn_ros.blimp_control.allocation import ThrusterConfig
from snn_ros.blimp_control.heads import SURGE, YAW, Head
from snn_ros.blimp_control.pilot import FULL
from snn_ros.blimp_control.planar_motion import PlanarConfig, PlanarMotion
from snn_ros.blimp_control.shadow import ShadowConfig
from snn_ros.simulation.flight import MOTORS_OFF, Flight, Frame, MotorCommand
from snn_ros.simulation.scenario import Scenario, load_scenario

_SCENARIO = Path(__file__).resolve().parent.parent / "config" / "scenarios" / "blimp_patrol.yaml"


def _pilot(scenario: Scenario, controller: str) -> BlimpPilot:
    thrusters = ThrusterConfig(reversible=scenario.vehicle.reversible)
    yaw, surge = (Head.from_weights(axis, controller, ShadowConfig()) for axis in (YAW, SURGE))
    altitude = BlimpController.from_config(config=ControllerConfig(controller=controller))
    planar = PlanarMotion(yaw, surge, PlanarConfig(thrusters=thrusters))
    return BlimpPilot(BlimpSupervisor(altitude), planar, FULL)


def _answer(pilot: BlimpPilot, frame: Frame) -> PilotOutput:
    """As the node does it."""
    now = frame.stamp
    matrix = Rotation.from_quat(frame.imu.orientation).as_matrix()
    lean = math.acos(min(max(float(matrix[2, 2]), -1.0), 1.0))
    _, pitch_rate, yaw_rate = frame.imu.angular_velocity.tolist()
    pilot.planar.add_attitude(math.atan2(matrix[1, 0], matrix[0, 0]), yaw_rate, pitch_rate, now)
    pilot.planar.add_speed(float(frame.velocity[0]), now)
    if frame.range is not None:
        pilot.supervisor.add_range(frame.range, now, pitch=lean)
    if frame.setpoint is not None:
        pilot.supervisor.set_setpoint(frame.setpoint, now)
    if frame.velocity_setpoint is not None:
        wanted = frame.velocity_setpoint
        pilot.planar.set_velocity(wanted.speed, wanted.yaw_rate, now)
    return pilot.tick(now)


def patrol(controller: str) -> dict[str, float]:
    """RMSE of a patrol.

    Args:
        controller: ``snn`` or ``pid``, of all axes.

    Returns:
        Errors of the heading in rad, of the speed in m/s and of the altitude in m. The heading
        asked for is the integral of the yaw rate asked for.
    """
    scenario = load_scenario(_SCENARIO)
    flight, pilot = Flight(scenario), _pilot(scenario, controller)
    pilot.activate(0.0)
    command, errors = MOTORS_OFF, []
    heading = scenario.start.yaw
    while not flight.finished:
        frame = flight.advance(command)
        control = _answer(pilot, frame).control
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
