"""Behaviour of the published code that looks unintended, each behind a switch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Fusion = Literal["mul", "add"]


@dataclass(frozen=True)
class Quirks:
    """What to repeat of the published code; the defaults repeat all of it.

    Attributes:
        reshaped_time: lay (B, S) out as (S, B) by reading the same memory, which mixes samples
            and frames of a batch; else by transposing. A batch of one is the same.
        truncated_cells: round toward zero when points are put into cells, which draws those just
            outside the first edge in; else round down.
        shared_end_cell: let the decoder's last cell begin with the membrane its first cell ended
            with, as they are one object; else from rest.
        overwritten_membranes: begin the prediction with the softmax of the present map, taken
            along the forward axis, as membranes of two cells; else from rest.
        fusion: how the two pathways of the predictor meet; the paper says `add`, the code does
            `mul`.
    """

    reshaped_time: bool = True
    truncated_cells: bool = True
    shared_end_cell: bool = True
    overwritten_membranes: bool = True
    fusion: Fusion = "mul"

    def __post_init__(self) -> None:
        if self.fusion not in ("mul", "add"):
            raise ValueError(f"fusion = {self.fusion!r}: must be 'mul' or 'add'")


PUBLISHED = Quirks()
"""All of them: numbers of the published code."""


def time_first(x: Tensor, *, reshaped: bool) -> Tensor:
    """(B, S, ...) as (S, B, ...); `reshaped` reads the same memory, see `Quirks.reshaped_time`."""
    if reshaped:
        return x.reshape(x.shape[1], x.shape[0], *x.shape[2:])
    return x.transpose(0, 1)


def batch_first(x: Tensor, *, reshaped: bool) -> Tensor:
    """(S, B, ...) as (B, S, ...), the way back of `time_first`."""
    return time_first(x, reshaped=reshaped)
