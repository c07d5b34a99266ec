"""Spiking heads for yaw and surge, each beside the PD that it mimics.

A head is the fast half of the altitude network on its own: mirrored LIF encoder pairs, hidden LIF
pairs, one leaky readout. It takes a scaled error and error rate and answers with a command u in
±10, which ``planar_motion`` turns into a torque or a force.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from snn_ros.blimp_control import weights
from snn_ros.blimp_control.model import SpikingNetwork
from snn_ros.blimp_control.motors import COMMAND_LIMIT
from snn_ros.blimp_control.parameters import NetworkParameters
from snn_ros.blimp_control.pipeline import layer_activity
from snn_ros.blimp_control.safety import clamped
from snn_ros.blimp_control.shadow import Handover, ShadowConfig, ShadowMonitor
from snn_ros.spiking.activity import NetworkActivity

SNN, PD = "snn", "pid"
ERROR_LIMIT = 1.5  # of the scaled error, as of the altitude error in m
RATE_LIMIT = 2.5  # of the scaled error rate


@dataclass(frozen=True)
class Axis:
    """What a head controls.

    Attributes:
        name: ``yaw`` or ``surge``; also the profile of its weights.
        scale: network units per unit of the error (rad or m/s).
        proportional: gain of the PD in u per network unit.
        derivative: gain of the PD in u s per network unit; 0 for a P controller.
        angular: the error is an angle in rad, not a speed in m/s.
    """

    name: str
    scale: float
    proportional: float
    derivative: float
    angular: bool

    def command(self, error: float, rate: float) -> float:
        """The conventional PD's command in u for an error and its rate in rad or m/s."""
        error, rate = self.scaled(error, rate)
        return clamped(self.proportional * error + self.derivative * rate, COMMAND_LIMIT)

    def scaled(self, error: float, rate: float) -> tuple[float, float]:
        """Error and rate in network units, within their limits."""
        return (
            clamped(error * self.scale, ERROR_LIMIT),
            clamped(rate * self.scale, RATE_LIMIT),
        )


YAW = Axis("yaw", 2.0, 10.0, 10.0, angular=True)
SURGE = Axis("surge", 3.0, 10.0, 0.0, angular=False)
AXES = {axis.name: axis for axis in (YAW, SURGE)}


class Head:
    """One axis in flight: the network drives while it is trusted, the PD otherwise.

    Args:
        axis: what it controls.
        parameters: the network.
        controller: ``snn`` or ``pid``, which of the two drives.
        shadow: when the network is no longer trusted; None trusts it always.

    Attributes:
        fault: why the PD took over; None while the network is trusted.
    """

    def __init__(
        self,
        axis: Axis,
        parameters: NetworkParameters,
        controller: str = SNN,
        shadow: ShadowConfig | None = None,
    ) -> None:
        self.axis = axis
        self.network = SpikingNetwork(parameters)
        self._cells = parameters.cells
        self._controller = controller
        # A head that has nothing to do may be silent, unlike the altitude network with its trim.
        self._monitor = ShadowMonitor(replace(shadow, min_spike_rate=0.0)) if shadow else None
        self._handover = Handover(shadow.handover) if shadow else None
        self.reset()

    @classmethod
    def from_weights(
        cls, axis: Axis, controller: str = SNN, shadow: ShadowConfig | None = None
    ) -> Head:
        """The head with its published weights.

        Raises:
            WeightsError: they do not fit.
        """
        parameters, _ = weights.load(weights.default_path(axis.name), axis.name)
        return cls(axis, parameters, controller, shadow)

    def reset(self) -> None:
        """All memory to zero; the network is trusted again."""
        self.network.reset()
        self.fault: str | None = None
        self._u = 0.0
        if self._monitor:
            self._monitor.reset()

    def step(self, error: float, rate: float = 0.0) -> float:
        """One tick of 0.1 s; returns the command in u.

        Args:
            error: reference minus measurement in rad or m/s.
            rate: its rate, per s.

        Raises:
            ValueError: an input is not finite.
        """
        if not (math.isfinite(error) and math.isfinite(rate)):
            raise ValueError(f"error, rate = {(error, rate)!r}: must be finite")
        u_pd = self.axis.command(error, rate)
        self.network.tick(*self.axis.scaled(error, rate))
        u_snn = clamped(self.network.u_pd, COMMAND_LIMIT)
        if self._controller != SNN:
            return u_pd
        if self._monitor and self._handover:
            if self.fault is None:
                share = self.network.spikes / self._cells
                self.fault = self._monitor.update(u_snn, u_pd, share)
                if self.fault:
                    self._handover.begin(self._u, u_pd)
            if self.fault:
                return self._handover.blend(u_pd)
        self._u = u_snn
        return u_snn

    def spike_activity(self) -> NetworkActivity | None:
        """What the network did since the last call; None if it rested.

        Counted as for the altitude (``BlimpController.spike_activity``): an encoder spike reaches
        both cells of its hidden pair, a hidden spike the readout.
        """
        encoder, hidden, ticks = self.network.take_counts()
        if not ticks:
            return None
        inputs = 2 if self.axis.derivative else 1
        return NetworkActivity(
            (
                layer_activity(f"{self.axis.name} encoder", encoder, ticks),
                layer_activity(f"{self.axis.name} hidden", hidden, ticks),
            ),
            synaptic_operations=int(2 * encoder.sum() + hidden.sum()),
            macs=ticks * ((inputs + 1) * encoder.size + 2 * hidden.size + 1),
        )
