"""One fused convolution: gather, multiply, add, scale and bias, shortcut, spikes.

And the gradient of its weights.
"""

from __future__ import annotations

from ctypes import byref, c_void_p
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from snn_ros.sparse.backends.compiled import (
    ConvolutionPointers,
    EpiloguePointers,
    InstructionSet,
    RulebookPointers,
    WeightGradientPointers,
    WeightPointers,
    best_instruction_set,
    library,
    pointer,
)
from snn_ros.sparse.backends.rulebooks import PackedRulebook
from snn_ros.sparse.backends.weights import PackedWeights

LARGEST_COUNT = 127  # two products of counts and int8 weights then fit 16 bits


class Method(Enum):
    """How a convolution is computed.

    The first two take float32 and give the same bits; the last two take counts and give the same
    integers. Those of events go through what is not zero in an input row.
    """

    FLOATS = "floats"
    FLOAT_EVENTS = "float_events"
    COUNTS = "counts"
    EVENTS = "events"


@dataclass(frozen=True, eq=False)
class Outputs:
    """Where the results go, rows padded to a multiple of 16 channels; any may be None.

    Attributes:
        membrane: (V', padded) float32, y = sum * scale + bias + shortcut.
        spikes: (V', padded) float32, floor(clip(y * counts_per_unit, 0, max_count) + 0.5).
        counts: (V', padded) uint8, the same.
        active: (V',) uint8, 0 where all counts of a row are 0; needs `counts`.
        rectified: (V', padded) float32, max(y, 0).
    """

    membrane: NDArray[np.float32] | None = None
    spikes: NDArray[np.float32] | None = None
    counts: NDArray[np.uint8] | None = None
    active: NDArray[np.uint8] | None = None
    rectified: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Execution:
    """How many threads work, and on which kernels; results do not depend on the former.

    Attributes:
        threads: at least 1.
        instruction_set: None for the best of this CPU.
    """

    threads: int = 1
    instruction_set: InstructionSet | None = None


ONE_THREAD = Execution()


def convolve(
    method: Method,
    features: NDArray[np.float32] | NDArray[np.uint8],
    rulebook: PackedRulebook,
    weights: PackedWeights,
    outputs: Outputs,
    *,
    shortcut: NDArray[np.float32] | None = None,
    active: NDArray[np.uint8] | None = None,
    max_count: int = 4,
    counts_per_unit: float = 1.0,
    execution: Execution = ONE_THREAD,
) -> None:
    """Convolve and write what `outputs` names.

    Args:
        method: FLOATS or FLOAT_EVENTS for float32 weights, COUNTS or EVENTS for integers.
        features: (V, channels) float32, or uint8 counts up to 127; counts are padded with zeros to
            a multiple of 16 channels.
        rulebook: of the kernel.
        weights: packed.
        outputs: where the results go.
        shortcut: (V', padded) float32, added to the membrane.
        active: (V,) uint8, 0 where all counts of an input row are 0: those rows are left out.
        max_count: D of the spikes.
        counts_per_unit: of the membrane; 1 for spikes.
        execution: threads and kernels.
    """
    work = ConvolutionPointers(
        _rulebook_pointers(rulebook),
        WeightPointers(
            pointer(weights.values), weights.steps, features.shape[1], len(weights.bias)
        ),
        EpiloguePointers(
            pointer(weights.scale), pointer(weights.bias), pointer(shortcut),
            pointer(outputs.membrane), pointer(outputs.spikes), pointer(outputs.counts),
            pointer(outputs.active), pointer(outputs.rectified), max_count, counts_per_unit,
        ),
        pointer(features),
        pointer(active),
        (c_void_p * 2)(),
    )  # fmt: skip
    name = f"wide_{method.value}" if weights.planes > 1 else method.value
    run = getattr(library(), f"snn_ros_convolve_{name}")
    run(byref(work), _instruction_set(execution), execution.threads)


def add_weight_gradient(
    features: NDArray[np.float32],
    gradient: NDArray[np.float32],
    rulebook: PackedRulebook,
    sums: NDArray[np.float32],
    *,
    execution: Execution = ONE_THREAD,
) -> None:
    """Add the gradient of a convolution's weights to `sums`.

    sums[:, k] += sum over pairs (p, q) of offset k of the outer product of gradient[q] and
    features[p].

    Args:
        features: (V, Cin), Cin a multiple of 16: the input.
        gradient: (V', Cout): of the output.
        rulebook: of the kernel.
        sums: (Cout, offsets, Cin).
        execution: threads and kernels.
    """
    work = WeightGradientPointers(
        _rulebook_pointers(rulebook),
        pointer(features), pointer(gradient), pointer(sums),
        features.shape[1], gradient.shape[1],
    )  # fmt: skip
    library().snn_ros_weight_gradient(byref(work), _instruction_set(execution), execution.threads)


def _rulebook_pointers(rulebook: PackedRulebook) -> RulebookPointers:
    return RulebookPointers(
        pointer(rulebook.inputs), pointer(rulebook.outputs), pointer(rulebook.starts),
        len(rulebook.starts) - 1, rulebook.num_inputs, rulebook.num_outputs,
    )  # fmt: skip


def _instruction_set(execution: Execution) -> InstructionSet:
    best = best_instruction_set()
    return best if execution.instruction_set is None else min(best, execution.instruction_set)
