"""Altitude control of a blimp with spiking networks that mimic a PID."""

from snn_ros.blimp_control.pilot import BlimpPilot, PilotOutput
from snn_ros.blimp_control.pipeline import BlimpController, BlimpStep, ControllerConfig
from snn_ros.blimp_control.supervisor import BlimpSupervisor, ControlOutput, SupervisorConfig
from snn_ros.blimp_control.watchdog import AppliedCommand, MotorWatchdog

__all__ = [
    "AppliedCommand",
    "BlimpController",
    "BlimpPilot",
    "BlimpStep",
    "BlimpSupervisor",
    "ControlOutput",
    "ControllerConfig",
    "MotorWatchdog",
    "PilotOutput",
    "SupervisorConfig",
]
