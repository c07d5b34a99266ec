"""The spiking altitude controllers: explicit state and one tick.

Both profiles are the same kind of network. An encoder of mirrored pairs of LIF cells turns the
altitude error (``edge``: and its filtered rate) into spikes; hidden cells in 2x2 blocks read one
encoder pair each; *fast* hidden cells feed the PD readout, *slow* ones, whose threshold integrates
input spikes (IWTA, input-weighted threshold adaptation), feed the I readout.

===========  =======  ==========  ==========  =======
profile      encoder  fast cells  slow cells  spiking
===========  =======  ==========  ==========  =======
``paper``    40 + 40  40          40          160
``edge``     40       40          40          120
===========  =======  ==========  ==========  =======

``paper`` is two networks side by side (arXiv 2309.12937), the first 40 encoder cells feed the fast
ones and the others the slow ones. ``edge`` shares one encoder.

Hidden cells may also hear each other's spikes of the previous tick (``W_r``, 2x2 blocks or full):
with and without recurrence and threshold adaptation, that makes the four published hidden layers
LIF, R-LIF, IWTA-LIF and R-IWTA-LIF out of one model.

Dynamics of tick k, all decays per tick of 0.1 s::

    v_e[k] = tau_e v_e[k-1] + (w e[k] + w' de[k] + b) - s_e[k-1] th_e      |v_e| <= 4 th_e
    s_e[k] = v_e[k] > th_e
    i[k]   = tau_syn i[k-1] + W_r s_h[k-1] + W_h s_e[k]
    v[k]   = tau_mem v[k-1] + i[k] - s_h[k-1] th[k-1]                      |v| <= 4 th_base
    a[k]   = tau_th a[k-1] + W_th s_e[k]                                   |a| <= limit th_base
    th[k]  = max(th_base + a[k], th_min)
    s_h[k] = v[k] > th[k]
    y[k]   = lam y[k-1] + (1 - lam) W_d . s_h[k]

With ``sub_ticks`` n a tick of the controller is n of these ticks, each of 0.1 s / n, on the same
input, and the output is the mean of y over them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snn_ros.blimp_control.parameters import (
    THRESHOLD_FLOOR,
    FloatArray,
    NetworkError,
    NetworkParameters,
)

MEMBRANE_CLAMP = 4.0  # thresholds; an unbounded membrane is a hidden wind-up
PAPER_IWTA, LEGACY_IWTA = "paper", "legacy"
IWTA_MODES = (PAPER_IWTA, LEGACY_IWTA)


@dataclass
class NetworkState:
    """What a network remembers between two ticks; zero at the start.

    The integer network keeps integers in the same fields.

    Attributes:
        encoder_membrane: (E,) v_e.
        encoder_spikes: (E,) s_e, 0 or 1.
        current: (H,) i.
        membrane: (H,) v.
        trace: (H,) a; ``legacy``: the presynaptic trace.
        effective_threshold: (H,) th of the last tick.
        spikes: (H,) s_h, 0 or 1.
        readout: (2,) PD and I readout in u.
        output: (2,) mean of the readout over the sub-ticks of the last tick; integers: their sum.
    """

    encoder_membrane: NDArray[Any]
    encoder_spikes: NDArray[Any]
    current: NDArray[Any]
    membrane: NDArray[Any]
    trace: NDArray[Any]
    effective_threshold: NDArray[Any]
    spikes: NDArray[Any]
    readout: NDArray[Any]
    output: NDArray[Any]

    @classmethod
    def zeros(cls, encoder: int, hidden: int, dtype: DTypeLike = np.float64) -> NetworkState:
        """The state before the first tick."""
        sizes = (encoder, encoder, hidden, hidden, hidden, hidden, hidden, 2, 2)
        return cls(*(np.zeros(size, dtype) for size in sizes))

    def copy(self) -> NetworkState:
        """An independent copy."""
        return NetworkState(*(getattr(self, field.name).copy() for field in fields(self)))

    def assign(self, other: NetworkState) -> None:
        """Take over the values of another state in place.

        Raises:
            ValueError: a shape differs.
        """
        for field in fields(self):
            np.copyto(getattr(self, field.name), getattr(other, field.name), casting="no")


class SpikingNetwork:
    """The network in flight: NumPy vectors allocated once, nothing allocated per tick.

    Args:
        parameters: the evolved network.
        iwta_mode: ``paper`` (the threshold trace takes input spikes once per tick) or ``legacy``
            (as the published flight code: presynaptic traces, decayed twice, own spikes too).

    Attributes:
        state: what it remembers; assign to it to restore.
        spikes: of all cells in the last tick, over all its sub-ticks.
    """

    def __init__(self, parameters: NetworkParameters, iwta_mode: str = PAPER_IWTA) -> None:
        if iwta_mode not in IWTA_MODES:
            raise NetworkError(f"iwta_mode must be one of {IWTA_MODES}, is {iwta_mode!r}")
        self.parameters = p = parameters
        self.legacy = iwta_mode == LEGACY_IWTA
        encoder, hidden = p.encoder_bias.size, p.threshold.size
        self.state = NetworkState.zeros(encoder, hidden)
        self._encoder_counts = np.zeros(encoder)
        self._hidden_counts = np.zeros(hidden)
        self._ticks = 0
        self.spikes = 0
        self._partner = p.source ^ 1
        self._mate = np.arange(hidden) ^ 1
        self._own_weights = np.stack([p.own_weight, p.trace_own_weight])
        self._cross_weights = np.stack([p.cross_weight, p.trace_cross_weight])
        self._fast_readout = p.readout_weight[: p.fast]
        self._slow_readout = p.readout_weight[p.fast :]
        self._readout_decay = tuple(float(lam) for lam in p.readout_decay)
        self._encoder_ceiling = MEMBRANE_CLAMP * p.encoder_threshold
        self._encoder_floor = -self._encoder_ceiling
        self._ceiling = MEMBRANE_CLAMP * p.threshold
        self._floor = -self._ceiling
        self._trace_ceiling = p.trace_limit * p.threshold
        self._trace_floor = -self._trace_ceiling
        self._drive, self._rate_drive, self._reset = (np.empty(encoder) for _ in range(3))
        self._synapses, self._crossing = np.empty((2, hidden)), np.empty((2, hidden))
        self._arriving, self._entering = self._synapses
        self._own, self._cross, self._hidden_reset = (np.empty(hidden) for _ in range(3))
        self._recurrent = None if p.recurrent_weight is None else p.recurrent_matrix()
        self._recurring = np.empty(hidden)

    def reset(self) -> None:
        """All states to zero; the activity counters stay."""
        self.state.assign(NetworkState.zeros(self._drive.size, self._own.size))

    def reset_integral(self) -> None:
        """Threshold traces and I term to zero."""
        self.restore_integral(NetworkState.zeros(self._drive.size, self._own.size))

    def restore_integral(self, state: NetworkState) -> None:
        """Take over the threshold traces and the I term of another state."""
        np.copyto(self.state.trace, state.trace, casting="no")
        self.state.readout[1], self.state.output[1] = state.readout[1], state.output[1]

    def take_counts(self) -> tuple[FloatArray, FloatArray, int]:
        """Spikes of each encoder and hidden cell, and ticks, since the last call."""
        counts = self._encoder_counts.copy(), self._hidden_counts.copy(), self._ticks
        self._encoder_counts[:] = 0.0
        self._hidden_counts[:] = 0.0
        self._ticks = 0
        return counts

    def tick(self, error: float, rate: float = 0.0, integration: float = 1.0) -> None:
        """Advance by 0.1 s; the results are ``u_pd`` and ``u_i``.

        Args:
            error: altitude error in m.
            rate: filtered error rate in m/s.
            integration: factor on what enters the threshold traces; 0 stops integrating.
        """
        state, sub_ticks = self.state, self.parameters.sub_ticks
        state.output[:] = 0.0
        self.spikes = 0
        for _ in range(sub_ticks):
            self._encode(error, rate)
            self._integrate(integration)
            self._read_out()
            np.add(state.output, state.readout, out=state.output)
            self.spikes += int(
                np.count_nonzero(state.encoder_spikes) + np.count_nonzero(state.spikes)
            )
        np.divide(state.output, sub_ticks, out=state.output)
        self._ticks += sub_ticks

    @property
    def u_pd(self) -> float:
        """PD term in u."""
        return float(self.state.output[0])

    @property
    def u_i(self) -> float:
        """I term in u."""
        return float(self.state.output[1])

    def _encode(self, error: float, rate: float) -> None:
        p, s = self.parameters, self.state
        np.multiply(p.encoder_error_weight, error, out=self._drive)
        np.multiply(p.encoder_rate_weight, rate, out=self._rate_drive)
        np.add(self._drive, self._rate_drive, out=self._drive)
        np.add(self._drive, p.encoder_bias, out=self._drive)
        np.multiply(s.encoder_spikes, p.encoder_threshold, out=self._reset)
        v = s.encoder_membrane
        np.multiply(v, p.encoder_decay, out=v)
        np.add(v, self._drive, out=v)
        np.subtract(v, self._reset, out=v)
        np.minimum(v, self._encoder_ceiling, out=v)
        np.maximum(v, self._encoder_floor, out=v)
        np.greater(v, p.encoder_threshold, out=s.encoder_spikes)
        np.add(self._encoder_counts, s.encoder_spikes, out=self._encoder_counts)

    def _integrate(self, integration: float) -> None:
        p, s = self.parameters, self.state
        np.take(s.encoder_spikes, p.source, out=self._own, mode="clip")
        np.take(s.encoder_spikes, self._partner, out=self._cross, mode="clip")
        np.multiply(self._own_weights, self._own, out=self._synapses)
        np.multiply(self._cross_weights, self._cross, out=self._crossing)
        np.add(self._synapses, self._crossing, out=self._synapses)
        np.multiply(s.spikes, s.effective_threshold, out=self._hidden_reset)
        np.multiply(s.current, p.synapse_decay, out=s.current)
        if self._recurrent is not None:
            np.dot(self._recurrent, s.spikes, out=self._recurring)
            np.add(s.current, self._recurring, out=s.current)
        np.add(s.current, self._arriving, out=s.current)
        v = s.membrane
        np.multiply(v, p.membrane_decay, out=v)
        np.add(v, s.current, out=v)
        np.subtract(v, self._hidden_reset, out=v)
        np.minimum(v, self._ceiling, out=v)
        np.maximum(v, self._floor, out=v)
        self._adapt(integration)
        np.greater(v, s.effective_threshold, out=s.spikes)
        np.add(self._hidden_counts, s.spikes, out=self._hidden_counts)

    def _adapt(self, integration: float) -> None:
        p, s = self.parameters, self.state
        threshold = s.effective_threshold
        if self.legacy:
            self._legacy_trace()
            np.multiply(p.trace_own_weight, s.trace, out=threshold)
            threshold += p.trace_cross_weight * s.trace[self._mate]
            np.minimum(threshold, self._trace_ceiling, out=threshold)
            np.maximum(threshold, self._trace_floor, out=threshold)
            np.add(threshold, p.threshold, out=threshold)
        else:
            np.multiply(s.trace, p.trace_decay, out=s.trace)
            np.multiply(self._entering, integration, out=self._hidden_reset)
            np.add(s.trace, self._hidden_reset, out=s.trace)
            np.minimum(s.trace, self._trace_ceiling, out=s.trace)
            np.maximum(s.trace, self._trace_floor, out=s.trace)
            np.add(s.trace, p.threshold, out=threshold)
        np.maximum(threshold, THRESHOLD_FLOOR, out=threshold)

    def _legacy_trace(self) -> None:
        """``t = tau (tau t + own spike of the last tick) + input spike``, one trace per cell."""
        p, s = self.parameters, self.state
        np.multiply(s.trace, p.trace_decay, out=s.trace)
        np.add(s.trace, s.spikes, out=s.trace)
        np.multiply(s.trace, p.trace_decay, out=s.trace)
        np.add(s.trace, self._own, out=s.trace)

    def _read_out(self) -> None:
        p, s = self.parameters, self.state
        fast, (lam_pd, lam_i) = p.fast, self._readout_decay
        pd = self._fast_readout.dot(s.spikes[:fast])
        slow = self._slow_readout.dot(s.spikes[fast:])
        readout = s.readout
        readout[0] = lam_pd * readout[0] + (1.0 - lam_pd) * pd
        i = lam_i * readout[1] + (1.0 - lam_i) * slow
        readout[1] = min(max(i, -p.integral_limit), p.integral_limit)
