"""The network in integers, as a neuromorphic chip or a microcontroller would run it.

Weights are even integers in [-256, 254], decays have 12 bits, membranes are 32-bit and saturate,
and weights and thresholds share a factor of 64. Each layer has one scale S, the weight of one
integer step. Rounding is symmetric about zero, so that +e and -e stay mirror images; the shift of
a chip rounds towards minus infinity and would break that.

Input is the error in steps of 5 mm. Threshold traces move by far less than a weight step, so they
have a scale of their own that is smaller by a power of two, and enter the threshold by a shift.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.blimp_control.model import MEMBRANE_CLAMP, NetworkState
from snn_ros.blimp_control.parameters import (
    THRESHOLD_FLOOR,
    FloatArray,
    NetworkError,
    NetworkParameters,
)

IntArray = NDArray[np.int64]

WEIGHT_LOW, WEIGHT_HIGH = -256, 254
FACTOR = 64  # weights and thresholds are multiplied by this when they meet the membrane
DECAY_ONE = 4096
THRESHOLD_HIGH = 131071
INT32_HIGH = 2**31 - 1
INPUT_STEP = 0.005  # m, and m/s for the error rate before its own scale
OUTPUT_ONE = 1024  # Q5.10
DECAYS = ("encoder_decay", "synapse_decay", "membrane_decay", "trace_decay", "readout_decay")
SOFT, HARD = "soft", "hard"


def even_weights(weights: FloatArray, scale: float) -> IntArray:
    """Weights as even integers in units of ``scale``, ties to even, clipped to the range."""
    return np.clip(2 * np.rint(weights / (2.0 * scale)), WEIGHT_LOW, WEIGHT_HIGH).astype(np.int64)


def layer_scale(*weights: FloatArray) -> float:
    """The weight of one integer step so that the largest weight just fits; 1 if all are 0."""
    largest = max((float(np.abs(w).max(initial=0.0)) for w in weights), default=0.0)
    return largest / WEIGHT_HIGH if largest > 0.0 else 1.0


def decayed(values: IntArray, kept: IntArray | int) -> IntArray:
    """``values * kept / 4096``, rounded half away from zero.

    Args:
        values: states, within 32 bits.
        kept: 4096 - d with the 12-bit decay d.
    """
    return divided(values * kept, DECAY_ONE)


def divided(values: IntArray, divisor: int) -> IntArray:
    """Integer division rounded half away from zero; exactly odd in ``values``."""
    return np.sign(values) * ((np.abs(values) + divisor // 2) // divisor)


def saturated(values: IntArray) -> IntArray:
    """Values within ± (2^31 - 1)."""
    return np.clip(values, -INT32_HIGH, INT32_HIGH)


def _kept(decay: FloatArray) -> IntArray:
    return DECAY_ONE - np.rint((1.0 - decay) * DECAY_ONE).astype(np.int64)


def quantised(parameters: NetworkParameters) -> NetworkParameters:
    """The network whose every value is one the integer network has.

    Evolution decodes through this, so that what it finds flies the same in integers. Only the
    rounding of states remains between the two.
    """
    p = parameters
    encoder = layer_scale(p.encoder_error_weight)
    hidden = _hidden_scale(p)
    trace = hidden / 2 ** _trace_shift(p)

    changes: dict[str, Any] = {
        "encoder_bias": np.rint(p.encoder_bias / encoder * FACTOR) / FACTOR * encoder,
        "encoder_threshold": np.rint(p.encoder_threshold / encoder) * encoder,
        "threshold": np.rint(p.threshold / hidden) * hidden,
    }
    scales = {
        "encoder_error_weight": encoder,
        "encoder_rate_weight": layer_scale(p.encoder_rate_weight),
        "own_weight": hidden,
        "cross_weight": hidden,
        "trace_own_weight": trace,
        "trace_cross_weight": trace,
        "readout_weight": layer_scale(p.readout_weight),
    }
    for name, scale in scales.items():
        changes[name] = even_weights(getattr(p, name), scale) * scale
    if p.recurrent_weight is not None:
        changes["recurrent_weight"] = even_weights(p.recurrent_weight, hidden) * hidden
    for name in DECAYS:
        changes[name] = _kept(getattr(p, name)) / DECAY_ONE
    return replace(p, **changes)


def _hidden_scale(parameters: NetworkParameters) -> float:
    """The scale of all that enters the membranes of the hidden cells."""
    p = parameters
    recurrent = () if p.recurrent_weight is None else (p.recurrent_weight,)
    return layer_scale(p.own_weight, p.cross_weight, *recurrent)


def _trace_shift(parameters: NetworkParameters) -> int:
    """How many times the scale of the threshold traces halves that of the hidden weights."""
    p = parameters
    largest = max(np.abs(p.trace_own_weight).max(), np.abs(p.trace_cross_weight).max(), 1e-9)
    room = _hidden_scale(p) * WEIGHT_HIGH / largest
    return max(0, int(np.floor(np.log2(room))))


class FixedPointNetwork:
    """The network of ``SpikingNetwork`` in integers; same calls, same units outside.

    Args:
        parameters: the evolved network; its ``paper`` threshold rule is the one run.
        reset: ``soft`` subtracts the threshold, ``hard`` clears the membrane (Loihi 1).

    Raises:
        NetworkError: a threshold does not fit, or the reset is unknown.
    """

    def __init__(self, parameters: NetworkParameters, reset: str = SOFT) -> None:
        if reset not in (SOFT, HARD):
            raise NetworkError(f"reset must be 'soft' or 'hard', is {reset!r}")
        self.parameters = p = parameters
        self._hard = reset == HARD
        self._quantise_encoder()
        self._quantise_hidden()
        self._readout_scale = layer_scale(p.readout_weight)
        self._readout = even_weights(p.readout_weight, self._readout_scale)
        self._readout_kept = [int(k) for k in _kept(p.readout_decay)]
        self._partner = p.source ^ 1
        self._encoder_counts = np.zeros(p.encoder_bias.size)
        self._hidden_counts = np.zeros(p.threshold.size)
        self._ticks = 0
        self.spikes = 0
        self.reset()

    def _quantise_encoder(self) -> None:
        p = self.parameters
        scale = layer_scale(p.encoder_error_weight)
        self._rate_gain = layer_scale(p.encoder_rate_weight) / scale
        self._error_weight = even_weights(p.encoder_error_weight, scale)
        self._rate_weight = even_weights(p.encoder_rate_weight, scale * self._rate_gain)
        self._bias = np.rint(p.encoder_bias / scale * FACTOR).astype(np.int64)
        self._encoder_threshold = self._thresholds("encoder_threshold", scale)
        self._encoder_kept = _kept(p.encoder_decay)

    def _quantise_hidden(self) -> None:
        p = self.parameters
        scale = _hidden_scale(p)
        self._trace_shift = _trace_shift(p)
        trace = scale / 2**self._trace_shift
        self._own, self._cross = (
            even_weights(p.own_weight, scale),
            even_weights(p.cross_weight, scale),
        )
        self._recurrent = None
        if p.recurrent_weight is not None:
            self._recurrent = even_weights(p.recurrent_matrix(), scale)
        self._trace_own = even_weights(p.trace_own_weight, trace)
        self._trace_cross = even_weights(p.trace_cross_weight, trace)
        self._threshold = self._thresholds("threshold", scale)
        self._trace_clamp = np.rint(self._threshold * p.trace_limit).astype(np.int64)
        self._trace_clamp <<= self._trace_shift
        self._floor = int(THRESHOLD_FLOOR / scale * FACTOR)
        self._synapse_kept, self._membrane_kept = _kept(p.synapse_decay), _kept(p.membrane_decay)
        self._trace_kept = _kept(p.trace_decay)

    def _thresholds(self, name: str, scale: float) -> IntArray:
        thresholds = np.rint(getattr(self.parameters, name) / scale).astype(np.int64)
        if thresholds.max(initial=0) > THRESHOLD_HIGH:
            raise NetworkError(
                f"{name} {thresholds.max()} is beyond {THRESHOLD_HIGH} in units of the weights"
            )
        return thresholds * FACTOR

    def reset(self) -> None:
        """All states to zero."""
        sizes = self.parameters.encoder_bias.size, self.parameters.threshold.size
        self.state = NetworkState.zeros(*sizes, dtype=np.int64)

    def reset_integral(self) -> None:
        """Threshold traces and I term to zero."""
        self.state.trace[:] = 0
        self.state.readout[1] = self.state.output[1] = 0

    def restore_integral(self, state: NetworkState) -> None:
        """Take over the threshold traces and the I term of another state."""
        np.copyto(self.state.trace, state.trace, casting="no")
        self.state.readout[1], self.state.output[1] = state.readout[1], state.output[1]

    def take_counts(self) -> tuple[FloatArray, FloatArray, int]:
        """Spikes of each encoder and hidden cell, and ticks, since the last call."""
        counts = self._encoder_counts, self._hidden_counts, self._ticks
        self._encoder_counts = np.zeros_like(counts[0])
        self._hidden_counts = np.zeros_like(counts[1])
        self._ticks = 0
        return counts

    @property
    def u_pd(self) -> float:
        """PD term in u, a multiple of 1/1024."""
        return self._output(0)

    @property
    def u_i(self) -> float:
        """I term in u, a multiple of 1/1024."""
        return self._output(1)

    def tick(self, error: float, rate: float = 0.0, integration: float = 1.0) -> None:
        """Advance by 0.1 s (arguments as of ``SpikingNetwork.tick``)."""
        state, sub_ticks = self.state, self.parameters.sub_ticks
        state.output[:] = 0
        self.spikes = 0
        for _ in range(sub_ticks):
            self._encode(round(error / INPUT_STEP), round(rate * self._rate_gain / INPUT_STEP))
            self._integrate(round(integration * DECAY_ONE))
            self._read_out()
            state.output += state.readout
            self.spikes += int(state.encoder_spikes.sum() + state.spikes.sum())
        self._ticks += sub_ticks

    def _encode(self, error: int, rate: int) -> None:
        s, threshold = self.state, self._encoder_threshold
        inputs = (self._error_weight * error + self._rate_weight * rate) * FACTOR
        drive = divided(inputs, round(1.0 / INPUT_STEP)) + self._bias
        kept = self._after_spike(s.encoder_membrane, s.encoder_spikes, threshold)
        v = saturated(decayed(kept[0], self._encoder_kept) + drive - kept[1])
        clamp = int(MEMBRANE_CLAMP) * threshold
        s.encoder_membrane = np.clip(v, -clamp, clamp)
        s.encoder_spikes = (s.encoder_membrane > threshold).astype(np.int64)
        self._encoder_counts += s.encoder_spikes

    def _integrate(self, integration: int) -> None:
        s = self.state
        own, cross = s.encoder_spikes[self.parameters.source], s.encoder_spikes[self._partner]
        synapses = (self._own * own + self._cross * cross) * FACTOR
        if self._recurrent is not None:
            synapses += self._recurrent @ s.spikes * FACTOR
        s.current = saturated(decayed(s.current, self._synapse_kept) + synapses)
        kept = self._after_spike(s.membrane, s.spikes, s.effective_threshold)
        v = saturated(decayed(kept[0], self._membrane_kept) + s.current - kept[1])
        clamp = int(MEMBRANE_CLAMP) * self._threshold
        s.membrane = np.clip(v, -clamp, clamp)
        entering = (self._trace_own * own + self._trace_cross * cross) * FACTOR
        trace = decayed(s.trace, self._trace_kept) + decayed(entering, integration)
        s.trace = np.clip(trace, -self._trace_clamp, self._trace_clamp)
        change = divided(s.trace, 1 << self._trace_shift)
        s.effective_threshold = np.maximum(self._threshold + change, self._floor)
        s.spikes = (s.membrane > s.effective_threshold).astype(np.int64)
        self._hidden_counts += s.spikes

    def _after_spike(
        self, membrane: IntArray, spikes: IntArray, threshold: IntArray
    ) -> tuple[IntArray, IntArray]:
        """The membrane that decays on, and what the reset takes off it after the decay."""
        if self._hard:
            return membrane * (1 - spikes), np.zeros_like(membrane)
        return membrane, spikes * threshold

    def _read_out(self) -> None:
        s, fast = self.state, self.parameters.fast
        weighted = self._readout * s.spikes
        for head, arriving in enumerate((weighted[:fast].sum(), weighted[fast:].sum())):
            kept = self._readout_kept[head]
            y = decayed(s.readout[head : head + 1], kept) + (DECAY_ONE - kept) * arriving
            s.readout[head] = saturated(y)[0]
        limit = int(self.parameters.integral_limit / self._readout_scale * DECAY_ONE)
        s.readout[1] = min(max(s.readout[1], -limit), limit)

    def _output(self, head: int) -> float:
        readout = float(self.state.output[head]) / self.parameters.sub_ticks
        u = readout / DECAY_ONE * self._readout_scale
        return round(u * OUTPUT_ONE) / OUTPUT_ONE
