"""What makes a network: its parameters, checked once, with names and bounds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError

FloatArray = NDArray[np.float64]

THRESHOLD_FLOOR = 0.05  # a soft reset by nothing or less would fire for ever

# Published bounds are [-2, 2] for W_e and W_h, [-1, 1] for b, W_th and W_d, [0, 10] for thresholds.
# Ours are wider where a pair works beyond a level of its own (error weight and bias), for the rate
# input, which the published network lacks, and for W_d, as fewer cells carry the large answers.
BOUNDS = {
    "encoder_error_weight": (-8.0, 8.0),
    "encoder_rate_weight": (-16.0, 16.0),
    "encoder_bias": (-4.0, 1.0),
    "encoder_decay": (0.0, 1.0),
    "encoder_threshold": (THRESHOLD_FLOOR, 10.0),
    "own_weight": (-2.0, 2.0),
    "cross_weight": (-2.0, 2.0),
    "synapse_decay": (0.0, 1.0),
    "membrane_decay": (0.0, 1.0),
    "threshold": (THRESHOLD_FLOOR, 10.0),
    "trace_own_weight": (-1.0, 1.0),
    "trace_cross_weight": (-1.0, 1.0),
    "trace_decay": (0.0, 1.0),
    "recurrent_weight": (-1.0, 1.0),
    "readout_weight": (-2.0, 2.0),
    "readout_decay": (0.0, 1.0),
}
MAX_SUB_TICKS = 20

NONE, BLOCKS, FULL = "none", "blocks", "full"
LIF, R_LIF, IWTA, R_IWTA = "lif", "r_lif", "iwta", "r_iwta"
HIDDEN_LAYERS = (LIF, R_LIF, IWTA, R_IWTA)


class NetworkError(SnnRosError):
    """A network cannot work with its parameters; the text names each of them."""


@dataclass(frozen=True)
class NetworkParameters:
    """Everything evolution chooses, as arrays over cells.

    E encoder cells, H hidden cells of which the first ``fast`` feed the PD readout. Cells 2j and
    2j+1 are a pair. ``own`` weights come from the encoder cell a hidden cell listens to, ``cross``
    weights from that cell's mirror partner.

    Attributes:
        encoder_error_weight: (E,) per m.
        encoder_rate_weight: (E,) per m/s.
        encoder_bias: (E,) drive at zero input.
        encoder_decay: (E,) tau_e.
        encoder_threshold: (E,) th_e.
        source: (H,) index of the encoder cell each hidden cell listens to.
        own_weight: (H,) diagonal of the W_h blocks.
        cross_weight: (H,) off-diagonal of the W_h blocks.
        synapse_decay: (H,) tau_syn.
        membrane_decay: (H,) tau_mem.
        threshold: (H,) th, th_base of the slow cells.
        trace_own_weight: (H,) diagonal of the W_th blocks; 0 for fast cells.
        trace_cross_weight: (H,) off-diagonal of the W_th blocks; 0 for fast cells.
        trace_decay: (H,) tau_th.
        readout_weight: (H,) W_d in u.
        readout_decay: (2,) lam of the PD and of the I readout.
        fast: number of fast hidden cells.
        recurrent_weight: W_r to each hidden cell from the two cells of its own pair (H, 2), or from
            every hidden cell (H, H); None without recurrence.
        trace_limit: bound of |a| in units of th_base.
        integral_limit: bound of the I readout in u.
        sub_ticks: ticks of the network, to which the decays belong, per tick of the controller.
    """

    encoder_error_weight: FloatArray
    encoder_rate_weight: FloatArray
    encoder_bias: FloatArray
    encoder_decay: FloatArray
    encoder_threshold: FloatArray
    source: NDArray[np.int64]
    own_weight: FloatArray
    cross_weight: FloatArray
    synapse_decay: FloatArray
    membrane_decay: FloatArray
    threshold: FloatArray
    trace_own_weight: FloatArray
    trace_cross_weight: FloatArray
    trace_decay: FloatArray
    readout_weight: FloatArray
    readout_decay: FloatArray
    fast: int
    trace_limit: float = 0.6
    integral_limit: float = 7.5
    recurrent_weight: FloatArray | None = None
    sub_ticks: int = 1

    def __post_init__(self) -> None:
        problems = self._wrong_arrays() or self._wrong_values()
        if problems:
            raise NetworkError("network: " + "; ".join(problems))

    def _wrong_arrays(self) -> list[str]:
        problems = []
        for name, value in self.arrays().items():
            shapes = self._shapes(name)
            if value.shape not in shapes:
                wanted = " or ".join(map(str, shapes))
                problems.append(f"{name} has shape {value.shape}, not {wanted}")
            elif not np.isfinite(value).all():
                problems.append(f"{name} holds {value[~np.isfinite(value)][0]}")
        return problems

    def _shapes(self, name: str) -> list[tuple[int, ...]]:
        """The shapes an array may have."""
        hidden = self.threshold.shape[-1]
        if name == "recurrent_weight":
            return [(hidden, 2), (hidden, hidden)]
        if name == "readout_decay":
            return [(2,)]
        return [self.encoder_bias.shape[-1:] if name.startswith("encoder") else (hidden,)]

    def _wrong_values(self) -> list[str]:
        problems = []
        encoder, hidden = self.encoder_bias.size, self.threshold.size
        arrays = self.arrays()
        for name, (low, high) in BOUNDS.items():
            array = arrays.get(name, np.empty(0))
            outside = array[(array < low) | (array > high)]
            if outside.size:
                problems.append(f"{name} must lie in [{low}, {high}], holds {outside[0]}")
        if encoder % 2 or hidden % 2:
            problems.append(f"cells come in pairs, not {encoder} and {hidden}")
        elif ((self.source < 0) | (self.source >= encoder)).any():
            problems.append(f"source must lie in [0, {encoder}), holds {self.source.max()}")
        elif (self.source[1::2] != (self.source[::2] ^ 1)).any():
            problems.append("source must give each hidden pair one encoder pair")
        if not 0 <= self.fast <= hidden:
            problems.append(f"fast must lie in [0, {hidden}], is {self.fast}")
        for name, value in (
            ("trace_limit", self.trace_limit),
            ("integral_limit", self.integral_limit),
        ):
            if not 0.0 < value < np.inf:
                problems.append(f"{name} must be above 0, is {value!r}")
        if type(self.sub_ticks) is not int or not 1 <= self.sub_ticks <= MAX_SUB_TICKS:
            problems.append(
                f"sub_ticks must be an integer in [1, {MAX_SUB_TICKS}], is {self.sub_ticks!r}"
            )
        return problems

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if isinstance(value, np.ndarray)}

    @property
    def cells(self) -> int:
        """Number of spiking cells."""
        return int(self.encoder_bias.size + self.threshold.size)

    @property
    def recurrence(self) -> str:
        """``none``, ``blocks`` (2x2, within each pair) or ``full``."""
        if self.recurrent_weight is None:
            return NONE
        return FULL if self.recurrent_weight.shape[1] == self.threshold.size else BLOCKS

    @property
    def variant(self) -> str:
        """Hidden layers of the PD and of the I half that the weights make, as ``lif+iwta``."""
        return "+".join(map(self._hidden_layer, (slice(self.fast), slice(self.fast, None))))

    def _hidden_layer(self, cells: slice) -> str:
        recurrent = self.recurrent_weight is not None and self.recurrent_weight[cells].any()
        adaptive = self.trace_own_weight[cells].any() or self.trace_cross_weight[cells].any()
        return HIDDEN_LAYERS[2 * int(adaptive) + int(recurrent)]

    def recurrent_matrix(self) -> FloatArray:
        """W_r as (H, H), row: the cell that hears, column: the cell that fired."""
        hidden = self.threshold.size
        if self.recurrent_weight is None:
            return np.zeros((hidden, hidden))
        if self.recurrence == FULL:
            return self.recurrent_weight
        matrix, cells = np.zeros((hidden, hidden)), np.arange(hidden)
        for k in (0, 1):
            matrix[cells, 2 * (cells // 2) + k] = self.recurrent_weight[:, k]
        return matrix

    def mirrored(self) -> NetworkParameters:
        """The same network with the two cells of every pair exchanged; its answers stay.

        With a mirror code (+w, -w) in encoder and readout, a network equal to its mirror image in
        everything else answers -e with -u.
        """
        arrays: dict[str, Any] = {
            name: array.reshape(-1, 2)[:, ::-1].ravel()
            for name, array in self.arrays().items()
            if name not in UNPAIRED
        }
        if self.recurrent_weight is not None:
            pairs = self.recurrent_weight.reshape(self.threshold.size // 2, 2, -1, 2)
            exchanged = pairs[:, ::-1, :, ::-1]
            arrays["recurrent_weight"] = exchanged.reshape(self.recurrent_weight.shape)
        return replace(self, **arrays)


UNPAIRED = ("source", "readout_decay", "recurrent_weight")
