"""What a step computes, whatever the back end: in which numbers, by which weights and scales."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from snn_ros.sparse.backends.kernels import LARGEST_COUNT
from snn_ros.sparse.backends.program import Kind, NotCompiled, Program, Step


class Precision(Enum):
    """Of the layers that take spikes, and of those behind a ReLU.

    Layers that take other real values are float32 always. `INT8` and `INT16` are of spikes alone;
    `INT8_CALIBRATED` also rounds what comes out of a ReLU, to 127 steps up to the largest value
    of the sample, which changes results.
    """

    FLOAT32 = "float32"
    INT8 = "int8"
    INT8_CALIBRATED = "int8_calibrated"
    INT16 = "int16"


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """y = (sum over offsets k of W_k x) scale + shift, per output channel.

    Attributes:
        weight: (Cout, offsets, Cin) float32; a linear layer has one offset.
        scale: (Cout,) float32.
        shift: (Cout,) float32.
    """

    weight: Tensor
    scale: Tensor
    shift: Tensor


def arithmetic_of(step: Step) -> Arithmetic:
    """A step's layer with what follows: y = (sum + bias) scale + shift."""
    layer = step.layer
    weight = layer.weight.detach()
    scale, shift = weight.new_ones(len(weight)), weight.new_zeros(len(weight))
    if step.affine is not None:
        scale, shift = step.affine.scale.detach(), step.affine.shift.detach()
    if layer.bias is not None:
        shift = shift + layer.bias.detach() * scale
    return Arithmetic(weight.reshape(len(weight), -1, weight.shape[-1]), scale, shift)


def takes_counts(step: Step, precision: Precision) -> bool:
    """Whether a step multiplies bytes with bytes."""
    return {
        Kind.MEMBRANE: False,
        Kind.SPIKES: precision is not Precision.FLOAT32,
        Kind.RECTIFIED: precision is Precision.INT8_CALIBRATED,
    }[step.source.kind]


def refuse_large_counts(program: Program, precision: Precision) -> None:
    """See to it that all spikes fit a byte where they have to.

    Raises:
        NotCompiled: naming the layer in front of the cell.
    """
    for step in program.steps if precision is not Precision.FLOAT32 else ():
        if step.max_count is not None and step.max_count > LARGEST_COUNT:
            raise NotCompiled(
                f"{step.name}: max_count = {step.max_count} behind it, int8 allows {LARGEST_COUNT}"
            )
