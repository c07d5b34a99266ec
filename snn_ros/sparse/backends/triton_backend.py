"""Fused convolutions by our Triton kernel: integer sums of spikes, one launch per layer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor, nn

from snn_ros.sparse.backends.device_network import BackendMissing, Fired
from snn_ros.sparse.backends.fused import Precision, arithmetic_of, takes_counts
from snn_ros.sparse.backends.program import Step
from snn_ros.sparse.backends.weights import quantised
from snn_ros.sparse.rulebook import Rulebook
from snn_ros.sparse.tensor import RulebookCache, Sites, SparseTensor

Convolve = Callable[..., None]

_logger = logging.getLogger(__name__)


@cache
def _kernels() -> ModuleType:
    """The kernels; not imported with this module, since Triton takes a second to load.

    Raises:
        BackendMissing: with the reason.
    """
    try:
        return import_module("snn_ros.sparse.backends.triton_kernels")
    except ImportError as err:
        raise BackendMissing(f"Triton, which comes with torch for CUDA: {err}") from err


def is_available() -> bool:
    """Whether Triton is installed; says so once where it is not."""
    try:
        _kernels()
    except BackendMissing as err:
        _note_missing(str(err))
        return False
    return True


class TritonBackend:
    """On CUDA; on the CPU only in Triton's interpreter, for tests.

    Results do not depend on the schedule. Whole numbers as weights give the same bits as torch.
    """

    def __init__(self) -> None:
        """Load Triton.

        Raises:
            BackendMissing: if it is not installed.
        """
        self._convolve: Convolve = _kernels().convolve

    def rulebooks(self) -> RulebookCache:
        """Those of torch."""
        return RulebookCache()

    def convolution(self, step: Step, precision: Precision) -> _Convolution:
        """A step on the device of its weights."""
        return _Convolution(step, precision, self._convolve)


class _Convolution:
    def __init__(self, step: Step, precision: Precision, convolve: Convolve) -> None:
        self._step, self._convolve = step, convolve
        arithmetic = arithmetic_of(step)
        weight, scale = arithmetic.weight, arithmetic.scale
        if takes_counts(step, precision):
            whole, unit = (torch.from_numpy(part) for part in quantised(weight.cpu().numpy()))
            weight, scale = whole.to(weight.device), unit.to(weight.device) * scale
        self._weight = weight.permute(1, 2, 0).contiguous()
        self._scale, self._shift = scale.contiguous(), arithmetic.shift.contiguous()
        self._spikes = torch.float32 if precision is Precision.FLOAT32 else torch.int8

    def __call__(self, x: SparseTensor, shortcut: Tensor | None) -> Fired:
        step = self._step
        rulebook, sites = _rulebook(step.layer, x)
        shape = rulebook.num_outputs, self._weight.shape[2]
        membrane = spikes = None
        if step.needs_membrane or step.rectified:
            membrane = x.features.new_empty(shape, dtype=torch.float32)
        if step.max_count is not None:
            spikes = x.features.new_empty(shape, dtype=self._spikes)
        self._convolve(
            x.features, rulebook.neighbours, self._weight, self._scale, self._shift,
            shortcut=shortcut, membrane=membrane, counts=spikes, max_count=step.max_count or 1,
        )  # fmt: skip
        return Fired(sites, membrane, spikes)


def _rulebook(layer: nn.Module, x: SparseTensor) -> tuple[Rulebook, Sites]:
    if isinstance(layer, nn.Linear):
        return x.rulebooks.submanifold(x.sites, (1,) * len(x.sites.spatial_shape)), x.sites
    return layer.rulebook(x)  # type: ignore[operator]


@cache
def _note_missing(reason: str) -> None:
    _logger.warning("sparse networks run on plain torch, several times slower: %s", reason)
