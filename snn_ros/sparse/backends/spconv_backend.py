"""Fused convolutions by spconv (the extra `cuda`): its sums, and torch for what stands behind.

spconv finds sites and pairs itself, and orders the sites of a strided convolution as it likes. On
the CPU its sums are right with one thread alone (`torch.set_num_threads(1)`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from snn_ros.sparse.backends.device_network import BackendMissing, Fired
from snn_ros.sparse.backends.fused import Precision, arithmetic_of
from snn_ros.sparse.backends.program import NotCompiled, Step
from snn_ros.sparse.convolution import (
    InverseConvolution,
    SparseConvolution,
    StridedConvolution,
)
from snn_ros.sparse.rulebook import Kernel
from snn_ros.sparse.tensor import RulebookCache, Sites, SparseTensor, SparseTensorError
from snn_ros.spiking.firing import spike_count


@cache
def _library() -> ModuleType:
    try:
        return import_module("spconv.pytorch")
    except ImportError as err:
        raise BackendMissing(f"spconv, of the extra [cuda]: {err}") from err


class SpconvRulebooks(RulebookCache):
    """Of one input, with what spconv found out about it.

    Attributes:
        pairs: spconv's, by name.
        finer_sites: from which a strided convolution came, by the name of its pairs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pairs: dict[str, Any] = {}
        self.finer_sites: dict[str, Sites] = {}


class SpconvBackend:
    """On CUDA, in float32."""

    def __init__(self) -> None:
        """Load spconv.

        Raises:
            BackendMissing: if it is not installed.
        """
        self._library = _library()

    def rulebooks(self) -> RulebookCache:
        """Empty ones."""
        return SpconvRulebooks()

    def convolution(self, step: Step, precision: Precision) -> _Convolution:
        """A step on the device of its weights.

        Raises:
            NotCompiled: for another precision than float32.
        """
        if precision is not Precision.FLOAT32:
            raise NotCompiled(f"precision = {precision.value!r}: spconv has float32 alone here")
        return _Convolution(step, self._library)


class _Convolution:
    def __init__(self, step: Step, library: ModuleType) -> None:
        self._step, self._tensor = step, library.SparseConvTensor
        arithmetic = arithmetic_of(step)
        self._scale, self._shift = arithmetic.scale, arithmetic.shift
        self._matrix = arithmetic.weight[:, 0].T  # of a layer with one offset
        self._module: Any = None
        if isinstance(step.layer, SparseConvolution) and arithmetic.weight.shape[1] > 1:
            self._module = _module(step.layer, library)
        elif isinstance(step.layer, StridedConvolution | InverseConvolution):
            raise NotCompiled(f"{step.name}: spconv reads kernels of one site in another layout")

    def __call__(self, x: SparseTensor, shortcut: Tensor | None) -> Fired:
        step = self._step
        sums, sites = self._sums(x)
        membrane = sums * self._scale + self._shift
        if shortcut is not None:
            membrane = membrane + shortcut
        if step.max_count is None:
            return Fired(sites, membrane)
        return Fired(sites, membrane, spike_count(membrane, step.max_count))

    def _sums(self, x: SparseTensor) -> tuple[Tensor, Sites]:
        """(V', Cout) and the sites of the output."""
        layer, rulebooks = self._step.layer, x.rulebooks
        if self._module is None:
            return x.features @ self._matrix, x.sites
        assert isinstance(rulebooks, SpconvRulebooks)  # of this back end
        if isinstance(layer, StridedConvolution):
            level = (*x.sites.level, layer.kernel)
            name = _name(level, x.sites)
            if name in rulebooks.finer_sites:
                raise SparseTensorError(f"{self._step.name}: a second convolution to {name}")
            rulebooks.finer_sites[name] = x.sites
            features, coordinates = self._run(x, rulebooks, name)
            shape = layer.kernel.output_shape(x.sites.spatial_shape)
            return features, Sites(coordinates, shape, x.sites.batch_size, level)
        name = _name(x.sites.level, x.sites)
        if isinstance(layer, InverseConvolution):
            finer = rulebooks.finer_sites.get(name)
            if finer is None:
                raise SparseTensorError(f"{self._step.name}: no strided convolution led to {name}")
            if not len(x.features):
                return x.features.new_zeros(len(finer.coordinates), self._matrix.shape[1]), finer
            return self._run(x, rulebooks, name)[0], finer
        return self._run(x, rulebooks, f"{name} by {layer.kernel_size}")[0], x.sites

    def _run(self, x: SparseTensor, rulebooks: SpconvRulebooks, name: str) -> tuple[Tensor, Tensor]:
        """Features and coordinates of the output; pairs are kept under `name`."""
        if not len(x.features):  # spconv refuses it
            return x.features @ self._matrix, x.sites.coordinates
        self._module.indice_key = name
        sites = x.sites
        given = self._tensor(
            x.features, sites.coordinates, list(sites.spatial_shape), sites.batch_size,
            indice_dict=rulebooks.pairs,
        )  # fmt: skip
        made = self._module(given)
        rulebooks.pairs = made.indice_dict
        return made.features, made.indices


def _name(level: tuple[Kernel, ...], sites: Sites) -> str:
    return f"{len(sites.spatial_shape)} axes, {level}"


def _module(layer: SparseConvolution, library: ModuleType) -> nn.Module:
    """Our weight in a layer of spconv, which has the same layout."""
    axes = len(layer.kernel_size)
    sizes = layer.in_channels, layer.out_channels, layer.kernel_size
    device = layer.weight.device
    if isinstance(layer, StridedConvolution):
        kernel = layer.kernel
        made = getattr(library, f"SparseConv{axes}d")(
            *sizes, kernel.stride, kernel.padding, bias=False
        )
    elif isinstance(layer, InverseConvolution):
        made = getattr(library, f"SparseInverseConv{axes}d")(*sizes, indice_key="", bias=False)
    else:
        padding = tuple(extent // 2 for extent in layer.kernel_size)
        made = getattr(library, f"SubMConv{axes}d")(*sizes, padding=padding, bias=False)
    made.weight = nn.Parameter(layer.weight.detach(), requires_grad=False)
    return made.to(device).eval()
