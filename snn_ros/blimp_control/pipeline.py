"""The controller a user calls: altitude error in, command and all its terms out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn_ros.blimp_control import weights as weight_files
from snn_ros.blimp_control.anti_windup import CONDITIONAL, FACTORS, METHODS
from snn_ros.blimp_control.fixed_point import FixedPointNetwork
from snn_ros.blimp_control.model import IWTA_MODES, PAPER_IWTA, NetworkState, SpikingNetwork
from snn_ros.blimp_control.motors import COMMAND_LIMIT
from snn_ros.blimp_control.parameters import FloatArray, NetworkParameters
from snn_ros.blimp_control.pid import (
    NOMINAL_PERIOD,
    AltitudePid,
    PidGains,
    RateState,
    error_rate,
)
from snn_ros.blimp_control.safety import clamped
from snn_ros.blimp_control.shadow import Handover, ShadowConfig, ShadowMonitor
from snn_ros.configuration import ConfigurationError, check, setting
from snn_ros.spiking.activity import LayerActivity, NetworkActivity

SNN, PID = "snn", "pid"
NUMPY, INT32 = "numpy", "int32"
_LONGEST_PERIOD = 3.0  # ticks; a longer pause says nothing about the error rate
_READOUTS = 2


@dataclass(frozen=True)
class ControllerConfig:
    """How the network is run."""

    backend: str = setting(
        NUMPY, "arithmetic of the network", choices=(NUMPY, INT32), read_only=True
    )
    iwta_mode: str = setting(
        PAPER_IWTA, "threshold rule of the slow cells", choices=IWTA_MODES, read_only=True
    )
    anti_windup: str = setting(CONDITIONAL, "what stops the integral", choices=METHODS)
    controller: str = setting(SNN, "which of the two drives", choices=(SNN, PID))
    fallback: bool = setting(True, "let the PID take over from a failed network")
    proportional: float = setting(9.0, "PID gain", unit="u/m", minimum=0.0, maximum=100.0)
    integral: float = setting(0.75, "PID gain", unit="u/(m s)", minimum=0.0, maximum=100.0)
    derivative: float = setting(14.0, "PID gain", unit="u s/m", minimum=0.0, maximum=100.0)
    shadow: ShadowConfig = setting(ShadowConfig, "when the network is no longer trusted")


@dataclass(frozen=True)
class BlimpStep:
    """One answer of the controller; commands in u, ±10, positive up.

    Attributes:
        u: the command, clamped.
        u_pd: PD term of the network.
        u_i: I term of the network.
        u_snn: their sum.
        u_pid: command of the PID beside it.
        saturated: the clamp changed the command.
        spikes: of all cells in this tick.
        controller: ``snn`` or ``pid``, which of them drives.
        fault: why the PID took over; None while the network is trusted.
    """

    u: float = 0.0
    u_pd: float = 0.0
    u_i: float = 0.0
    u_snn: float = 0.0
    u_pid: float = 0.0
    saturated: bool = False
    spikes: int = 0
    controller: str = SNN
    fault: str | None = None


@dataclass(frozen=True)
class ControllerState:
    """Everything the controller remembers that shapes its next command.

    Attributes:
        network: state of the network.
        rate: memory of the error rate.
        pid_integral: of the PID in m s.
    """

    network: NetworkState
    rate: RateState
    pid_integral: float


class BlimpController:
    """Spiking altitude control at 10 Hz beside a PID that can take over.

    Args:
        parameters: the network.
        config: how it is run.
        error_clip: bound of the error in m.
        max_rate: error rate above which a change is a set-point kick, in m/s.

    Raises:
        ConfigurationError: a value of the configuration is wrong.
    """

    def __init__(
        self,
        parameters: NetworkParameters,
        config: ControllerConfig | None = None,
        *,
        error_clip: float = 1.5,
        max_rate: float = 2.5,
    ) -> None:
        self.config = config = check(config or ControllerConfig())
        if config.backend == INT32 and config.iwta_mode != PAPER_IWTA:
            raise ConfigurationError(
                "ControllerConfig",
                [f"iwta_mode = {config.iwta_mode!r}: backend {INT32!r} runs {PAPER_IWTA!r} only"],
            )
        self.parameters = parameters
        self.error_clip, self.max_rate = error_clip, max_rate
        if config.backend == INT32:
            self.network: SpikingNetwork | FixedPointNetwork = FixedPointNetwork(parameters)
        else:
            self.network = SpikingNetwork(parameters, config.iwta_mode)
        gains = PidGains(config.proportional, config.integral, config.derivative, conditional=True)
        self._pid = AltitudePid(gains)
        self._factor = FACTORS[config.anti_windup]
        self._monitor = ShadowMonitor(config.shadow)
        self._handover = Handover(config.shadow.handover)
        self.reset()

    @classmethod
    def from_config(
        cls,
        profile: str = "edge",
        device: str = "auto",
        weights: str | Path | None = None,
        config: ControllerConfig | None = None,
    ) -> BlimpController:
        """The controller of a profile with its published weights.

        Args:
            profile: ``edge`` or ``paper``.
            device: ``auto`` or ``cpu``; 120 neurons gain nothing from a GPU.
            weights: another safetensors file with its manifest beside it.
            config: how the network is run.

        Raises:
            ConfigurationError: profile or device unknown.
            WeightsError: the weights do not fit.
        """
        problems = []
        if profile not in weight_files.CELLS:
            problems.append(f"profile = {profile!r}: must be one of {sorted(weight_files.CELLS)}")
        if device not in ("auto", "cpu"):
            problems.append(f"device = {device!r}: must be 'auto' or 'cpu'")
        if problems:
            raise ConfigurationError("BlimpController", problems)
        path = Path(weights) if weights else weight_files.default_path(profile)
        parameters, manifest = weight_files.load(path, profile)
        return cls(parameters, config, error_clip=manifest.error_clip, max_rate=manifest.max_rate)

    def reset(self) -> None:
        """All memory to zero; the network drives again."""
        self.network.reset()
        self._pid.reset()
        self._monitor.reset()
        self._rate = RateState()
        self._stamp: float | None = None
        self._excess = 0.0
        self._last = BlimpStep(controller=self.config.controller)

    def reset_integral(self) -> None:
        """The I terms of network and PID to zero, everything else stays."""
        self.network.reset_integral()
        self._pid.reset()

    def step(self, error: float, stamp: float) -> BlimpStep:
        """One tick.

        Args:
            error: setpoint minus altitude in m; clamped to ± ``error_clip``.
            stamp: time of the tick in s, of any clock that rises.

        Raises:
            ValueError: the error is not a finite number.
        """
        if not math.isfinite(error):
            raise ValueError(f"error is {error!r}")
        error = clamped(error, self.error_clip)
        rate, period = self._error_rate(error, stamp)
        self.network.tick(error, rate, self._factor(error, self._excess))
        return self._answer(error, rate, period)

    def settle(self, ticks: int) -> None:
        """Run the network without error so that it enters its resting rhythm."""
        for _ in range(ticks):
            self.network.tick(0.0)

    def get_state(self) -> ControllerState:
        """A copy of the memory."""
        return ControllerState(self.network.state.copy(), self._rate, self._pid.integral)

    def set_state(self, state: ControllerState) -> None:
        """Go on from a copy of the memory."""
        self.network.state.assign(state.network)
        self._rate = state.rate
        self._pid.integral = state.pid_integral

    def restore_integral(self, state: ControllerState) -> None:
        """Take over the I terms alone, everything else stays."""
        self.network.restore_integral(state.network)
        self._pid.integral = state.pid_integral

    def spike_activity(self) -> NetworkActivity:
        """What the network did since the last call, with a model of its energy.

        Synaptic operations are the additions spikes cause: two block weights per hidden cell that
        listens, twice for cells with a threshold trace (current and threshold); per hidden spike
        one readout weight and its recurrent weights. Multiply-accumulates are the encoder's inputs,
        the decays, and the readouts.
        """
        encoder, hidden, ticks = self.network.take_counts()
        p = self.parameters
        adaptive = (p.trace_own_weight != 0.0) | (p.trace_cross_weight != 0.0)
        listeners = np.bincount(
            np.concatenate([p.source, p.source ^ 1]),
            np.tile(1.0 + adaptive, 2),
            minlength=encoder.size,
        )
        hearers = np.count_nonzero(p.recurrent_matrix(), axis=0)
        decays = encoder.size + 2 * hidden.size + np.count_nonzero(adaptive) + _READOUTS
        inputs = 1 if not p.encoder_rate_weight.any() else 2
        layers = (
            layer_activity("encoder", encoder, ticks),
            layer_activity("fast", hidden[: p.fast], ticks),
            layer_activity("slow", hidden[p.fast :], ticks),
        )
        return NetworkActivity(
            layers,
            synaptic_operations=int(encoder @ listeners + hidden @ (1.0 + hearers)),
            macs=int(ticks * (inputs * encoder.size + decays)),
        )

    def _error_rate(self, error: float, stamp: float) -> tuple[float, float]:
        period = NOMINAL_PERIOD if self._stamp is None else stamp - self._stamp
        self._stamp = stamp
        if not 0.0 < period <= _LONGEST_PERIOD * NOMINAL_PERIOD + 1e-6:
            self._rate, period = RateState(), NOMINAL_PERIOD
        self._rate, rate = error_rate(self._rate, error, period, self.max_rate)
        return rate, period

    def _answer(self, error: float, rate: float, period: float) -> BlimpStep:
        network, last = self.network, self._last
        pid_pd, pid_i = self._pid.step(error, rate, period)
        u_pid = clamped(pid_pd + pid_i, COMMAND_LIMIT)
        u_pd, u_i, spikes = network.u_pd, network.u_i, network.spikes
        u_snn = u_pd + u_i
        controller, fault = last.controller, last.fault
        if controller == SNN and self.config.fallback:
            fault = self._monitor.update(
                clamped(u_snn, COMMAND_LIMIT),
                u_pid,
                spikes / (self.parameters.cells * self.parameters.sub_ticks),
            )
            if fault:
                controller = PID
                self._handover.begin(last.u, u_pid)
        wanted = u_snn if controller == SNN else self._handover.blend(u_pid)
        u = clamped(wanted, COMMAND_LIMIT)
        self._excess = wanted - u
        self._last = BlimpStep(u, u_pd, u_i, u_snn, u_pid, u != wanted, spikes, controller, fault)
        return self._last


def layer_activity(name: str, counts: FloatArray, ticks: int) -> LayerActivity:
    """What a layer did whose cells fired so often in so many ticks; (N,) counts."""
    spikes = int(counts.sum())
    return LayerActivity(
        name, counts.size, counts.size * ticks, spikes, int((counts == 0).sum()), spikes
    )
