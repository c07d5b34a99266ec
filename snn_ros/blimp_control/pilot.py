"""All axes and modes: the altitude supervisor, and surge and yaw on top where they are wanted.

==========  =====================================================================
mode        what flies
==========  =====================================================================
altitude    the altitude alone: both motors equal, the shaft up or down
full        the altitude; surge and yaw as well while velocity commands are fresh
land        a slow descent to the lowest altitude, then ``off``
off         nothing
==========  =====================================================================

Altitude comes first. Surge and yaw fly only while its state is ``running``; without them the
motors get exactly what the supervisor says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from snn_ros.blimp_control.allocation import ForceRequest, allocate, turned
from snn_ros.blimp_control.freshness import RUNNING
from snn_ros.blimp_control.motors import TILT_UP
from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.blimp_control.planar_motion import PlanarDemand, PlanarMotion
from snn_ros.blimp_control.supervisor import BlimpSupervisor, ControlOutput
from snn_ros.spiking.activity import NetworkActivity

ALTITUDE, FULL, LAND, OFF = "altitude", "full", "land", "off"
MODES = (ALTITUDE, FULL, LAND, OFF)


@dataclass(frozen=True)
class PilotOutput:
    """What happened in a tick.

    Attributes:
        control: of the altitude, with the motors' final duties and shaft angle.
        planar: what surge and yaw asked for.
        mode: one of ``MODES``.
    """

    control: ControlOutput
    planar: PlanarDemand
    mode: str


class BlimpPilot:
    """Drives supervisor and planar motion by a mode.

    Args:
        supervisor: of the altitude.
        planar: surge and yaw.
        mode: in force after each activation: ``altitude`` or ``full``.
    """

    def __init__(
        self, supervisor: BlimpSupervisor, planar: PlanarMotion, mode: str = ALTITUDE
    ) -> None:
        self.supervisor, self.planar = supervisor, planar
        self._initial_mode = mode
        self.mode = OFF
        self._shaft = TILT_UP  # where the servo is by now
        self._allocating = False
        self._tick_time: float | None = None

    def activate(self, now: float) -> None:
        """Start as soon as enough fresh altitudes have come."""
        self.mode = self._initial_mode
        self.planar.forget()
        self.supervisor.activate(now)

    def deactivate(self, now: float) -> None:
        """Ramp to zero thrust; keep ticking for the supervisor's ``stop_ramp``."""
        self.mode = OFF
        self.planar.rest()
        self.supervisor.deactivate(now)

    def set_mode(self, mode: str, now: float) -> str | None:
        """Change what flies.

        Returns:
            None, or why the mode stays.
        """
        if mode not in MODES:
            return f"mode is {mode!r}, not one of {', '.join(MODES)}"
        if mode == OFF:
            self.deactivate(now)
            return None
        if self.mode == OFF:
            if mode == LAND:
                return "mode is 'land' while off"
            self.activate(now)
        self.supervisor.land(mode == LAND)
        self.mode = mode
        return None

    def tick(self, now: float) -> PilotOutput:
        """One control tick; times as for the supervisor."""
        period = NOMINAL_PERIOD if self._tick_time is None else now - self._tick_time
        period = min(max(period, 0.5 * NOMINAL_PERIOD), 3.0 * NOMINAL_PERIOD)
        self._tick_time = now
        control = self.supervisor.tick(now)
        if self.mode == LAND and self.supervisor.landed:
            self.deactivate(now)
        planar = PlanarDemand()
        if self.mode == FULL and control.state == RUNNING:
            planar = self.planar.tick(now, period)
        else:
            self.planar.rest()
        return PilotOutput(self._with_planar(control, planar, period), planar, self.mode)

    def spike_activity(self) -> NetworkActivity:
        """What all networks did since the last call; those that rested are left out."""
        heads = (head.spike_activity() for head in (self.planar.yaw, self.planar.surge))
        parts = [self.supervisor.controller.spike_activity(), *(part for part in heads if part)]
        return NetworkActivity(
            tuple(layer for part in parts for layer in part.layers),
            synaptic_operations=sum(part.synaptic_operations for part in parts),
            macs=sum(part.macs for part in parts),
        )

    def _with_planar(
        self, control: ControlOutput, planar: PlanarDemand, period: float
    ) -> ControlOutput:
        """The altitude's motor command unless surge or yaw have a say, or had until just now."""
        thrusters = self.planar.config.thrusters
        self._allocating = planar.active or (self._allocating and self._shaft != control.tilt)
        if not self._allocating:
            self._shaft = turned(self._shaft, control.tilt, period, thrusters)
            return control
        lift = math.copysign(2.0 * thrusters.force(control.thrust_left), control.command)
        thrust = allocate(
            ForceRequest(planar.surge, lift, planar.yaw),
            self._shaft,
            period,
            thrusters,
            self._shaft if planar.active else control.tilt,
        )
        self._shaft = thrust.tilt
        return replace(
            control,
            thrust_left=thrusters.duty(thrust.left),
            thrust_right=thrusters.duty(thrust.right),
            tilt=thrust.tilt,
        )
