"""Two motors on the ends of one shaft that a servo tilts."""

from __future__ import annotations

import math

from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters, Vector

_FLIP = math.pi / 2  # a turn larger than this is a flip


class TiltingThrusters:
    """Shaft angle and thrust of both motors.

    Tilt is 0 when the motors push up, pi/2 forward, pi down. The servo turns at a fixed rate, and
    there is no static thrust while it flips from up to down or back. The first-order lag acts on
    each motor's force as a vector in hull axes, as in the fitted vertical plants, where it acts on
    the signed vertical force: thrust left over from before a flip keeps its direction.
    """

    def __init__(self, parameters: BlimpParameters) -> None:
        self._parameters = parameters
        self.reset()

    def reset(self) -> None:
        """Motors off, shaft up."""
        self.tilt = 0.0
        self._flipping = False
        self._left = (0.0, 0.0)
        self._right = (0.0, 0.0)

    def step(self, duty_left: float, duty_right: float, tilt: float, period: float) -> None:
        """Turn the shaft and let the thrust follow.

        Args:
            duty_left: duty cycle of the left motor, limited to 0..1, or ±1 if it reverses.
            duty_right: as ``duty_left``.
            tilt: commanded shaft angle in rad, limited to 0..pi.
            period: time step in s.
        """
        parameters = self._parameters
        remaining = min(max(tilt, 0.0), math.pi) - self.tilt
        if abs(remaining) > _FLIP:
            self._flipping = True
        elif abs(remaining) < 1e-9:
            self._flipping = False
        reach = parameters.servo_rate * period
        self.tilt += min(max(remaining, -reach), reach)
        share = 1.0 - math.exp(-period / parameters.vertical_plant.lag)
        self._left = self._follow(self._left, duty_left, share)
        self._right = self._follow(self._right, duty_right, share)

    def wrench(self) -> tuple[Vector, Vector]:
        """Force in N and torque in N m about the hull's centre, in hull axes.

        With arm l and depth d below the centre: roll (L - R) l cos(tilt), pitch -d (L + R)
        sin(tilt) (nose up), yaw (R - L) l sin(tilt).
        """
        arm, depth = self._parameters.thruster_arm, self._parameters.thruster_depth
        forward = self._left[0] + self._right[0]
        upward = self._left[1] + self._right[1]
        torque = (
            arm * (self._left[1] - self._right[1]),
            -depth * forward,
            arm * (self._right[0] - self._left[0]),
        )
        return (forward, 0.0, upward), torque

    def _follow(self, force: tuple[float, float], duty: float, share: float) -> tuple[float, float]:
        static = 0.0 if self._flipping else self._parameters.static_thrust(duty)
        forward, upward = static * math.sin(self.tilt), static * math.cos(self.tilt)
        return (
            force[0] + share * (forward - force[0]),
            force[1] + share * (upward - force[1]),
        )
