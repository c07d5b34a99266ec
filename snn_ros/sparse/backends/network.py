"""Inference by fused convolutions: a drop-in for a trained sparse network.

`InferenceNetwork` is that of the CPU; those of other devices are in `device_network`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn_ros.sparse.backends import triton_backend
from snn_ros.sparse.backends.compiled import is_available
from snn_ros.sparse.backends.device_network import Backend, DeviceNetwork
from snn_ros.sparse.backends.fused import (
    Precision,
    arithmetic_of,
    refuse_large_counts,
    takes_counts,
)
from snn_ros.sparse.backends.kernels import (
    LARGEST_COUNT,
    ONE_THREAD,
    Execution,
    Method,
    Outputs,
    convolve,
)
from snn_ros.sparse.backends.levels import Levels
from snn_ros.sparse.backends.metering import PassMeter
from snn_ros.sparse.backends.program import (
    INPUT,
    Kind,
    NotCompiled,
    Part,
    Program,
    Returned,
    Signal,
    Step,
    assemble,
    trace,
)
from snn_ros.sparse.backends.weights import (
    LARGEST_WEIGHT,
    PackedWeights,
    largest_wide_weight,
    pack_floats,
    pack_integers,
    quantised,
)
from snn_ros.sparse.tensor import Sites, SparseTensor
from snn_ros.spiking.activity import NetworkActivity
from snn_ros.spiking.folding import fold_network

TIMING_RUNS = 5
Array = NDArray[Any]


@dataclass(frozen=True)
class LayerPlan:
    """How one layer is computed, and what was measured on the sample.

    Attributes:
        name: of the convolution in the network.
        method: chosen.
        density: share of the input that is not zero; NaN where that are membranes.
        silent: share of input sites where all is zero; likewise.
        milliseconds: of each method tried, processor time of the calling thread, the best run.
    """

    name: str
    method: Method
    density: float
    silent: float
    milliseconds: dict[Method, float]


def compile_network(
    network: nn.Module,
    sample: SparseTensor | None = None,
    *,
    precision: Precision = Precision.FLOAT32,
    execution: Execution = ONE_THREAD,
    backend: Backend | None = None,
) -> Callable[[SparseTensor], Any]:
    """The network for inference: what it returns, faster.

    Args:
        network: in evaluation mode, of sparse convolutions, batch normalisations, integer cells
            or ReLU, and sums; not changed. It runs on the device it is on.
        sample: typical input. With it each layer that takes counts gets the faster method of the
            CPU.
        precision: of weights that meet spikes; `INT8_CALIBRATED` needs the sample for ReLU.
        execution: threads and kernels of the CPU.
        backend: None for the kernels of the CPU, or on another device Triton's.

    Returns:
        An `InferenceNetwork` or a `DeviceNetwork`; where kernels are not built or Triton is not
        installed, the network with folded normalisation in torch.

    Raises:
        NotCompiled: for a layer or operation that no fused convolution contains.
        FoldingError: for a batch normalisation in training mode.
    """
    on_cpu = all(tensor.device.type == "cpu" for tensor in network.state_dict().values())
    if backend is None and not on_cpu and triton_backend.is_available():
        backend = triton_backend.TritonBackend()
    if backend is not None:
        return DeviceNetwork(trace(network), precision, backend)
    if not (on_cpu and is_available()):
        return fold_network(network).requires_grad_(False)
    program = trace(network)
    units = [1.0] * len(program.steps)
    if precision is Precision.INT8_CALIBRATED and any(step.rectified for step in program.steps):
        if sample is None:
            raise NotCompiled("int8 behind a ReLU: needs a sample, which says how far values go")
        units = InferenceNetwork(program, Precision.FLOAT32, execution).units(sample)
    compiled = InferenceNetwork(program, precision, execution, units)
    if sample is not None:
        compiled.choose_methods(sample)
    return compiled


class InferenceNetwork:
    """A compiled network; made by `compile_network`.

    Keeps its buffers from call to call, so it serves one call at a time.
    """

    def __init__(
        self,
        program: Program,
        precision: Precision,
        execution: Execution,
        units: Sequence[float] | None = None,
    ) -> None:
        """Pack the weights.

        Args:
            program: of the network.
            precision: of its layers.
            execution: threads and kernels.
            units: value of one count behind each step; None where all counts are spikes.
        """
        refuse_large_counts(program, precision)
        self._program = program
        self._precision = precision
        self._execution = execution
        self._units = units or [1.0] * len(program.steps)
        self._weights = [_packed(program, step, precision, self._units) for step in program.steps]
        self._methods = [
            Method.COUNTS if weights.is_integer else Method.FLOATS for weights in self._weights
        ]
        self._buffers: dict[tuple[int, str], Array] = {}
        self.plan: list[LayerPlan] = []

    @torch.no_grad()
    def __call__(self, x: SparseTensor) -> Any:
        """What the network returns for `x`, without gradients."""
        return self._run(x, _Run.convolve)

    def metered(self, x: SparseTensor) -> tuple[Any, NetworkActivity]:
        """What the network returns for `x`, and what its cells and synapses did; takes longer.

        The figures are those of an `ActivityMeter` on the network in torch.
        """
        meter = PassMeter()

        def execute(run: _Run, place: int) -> None:
            run.convolve(place)
            run.record(place, meter)

        return self._run(x, execute), meter.read()

    def units(self, sample: SparseTensor) -> list[float]:
        """Behind each step with a ReLU its largest value on `sample`, by 127; 1 behind others."""
        found: list[float] = []

        def execute(run: _Run, place: int) -> None:
            run.convolve(place)
            rectified = run.outputs[place].rectified
            largest = 0.0 if rectified is None else float(rectified.max(initial=0.0))
            found.append(largest / LARGEST_COUNT if largest > 0.0 else 1.0)

        self._run(sample, execute)
        return found

    def choose_methods(self, sample: SparseTensor) -> None:
        """Time every method of every layer on `sample`, and keep the faster one; fills `plan`."""
        self.plan = []
        self._run(sample, _Run.measure)

    def _run(self, x: SparseTensor, execute: Callable[[_Run, int], None]) -> Any:
        levels = Levels(x.sites)
        run = _Run(self, levels, levels.in_order(x.features.detach().numpy()))
        for place in range(len(self._program.steps)):
            execute(run, place)
        return assemble(self._program.outputs, run.returned)


class _Run:
    """One pass: the level and the arrays of every signal so far."""

    def __init__(self, network: InferenceNetwork, levels: Levels, features: Array) -> None:
        self.network = network
        self.levels = levels
        self.level = {INPUT: levels.finest}
        self.outputs = {INPUT: Outputs(np.ascontiguousarray(features, np.float32))}

    def convolve(self, place: int) -> None:
        """Compute one step."""
        network = self.network
        step, weights = network._program.steps[place], network._weights[place]
        rulebook, level = self.levels.rulebook(step.layer, self.level[step.source.step])
        source = self.outputs[step.source.step]
        method = network._methods[place]
        outputs = self._new_outputs(place, len(level.coordinates))
        shortcut = None if step.shortcut is None else self.outputs[step.shortcut.step].membrane
        features = source.counts if weights.is_integer else self._reals(step.source)
        assert features is not None  # the program made it
        convolve(
            method,
            features,
            rulebook,
            weights,
            outputs,
            shortcut=shortcut,
            active=source.active if method is Method.COUNTS else None,
            max_count=LARGEST_COUNT if step.rectified else step.max_count or 1,
            counts_per_unit=1.0 / network._units[place],
            execution=network._execution,
        )
        self.level[place] = self.levels.seen_from_above(level) if step.from_above else level
        self.outputs[place] = outputs

    def record(self, place: int, meter: PassMeter) -> None:
        """Count what a step that was computed did."""
        network = self.network
        step, weights = network._program.steps[place], network._weights[place]
        rulebook, _ = self.levels.rulebook(step.layer, self.level[step.source.step])
        received = self._spikes(step.source) if step.source.kind is Kind.SPIKES else None
        meter.add_synapses(rulebook, weights, received)
        if step.max_count is not None:
            emitted = self._spikes(Signal(place, Kind.SPIKES))[:, : weights.out_channels]
            meter.add_cells(step.cells, emitted, step.max_count)

    def measure(self, place: int) -> None:
        """Compute one step by every method, and keep the fastest."""
        network = self.network
        step, weights = network._program.steps[place], network._weights[place]
        tried = [Method.FLOATS]
        if weights.is_integer:
            tried = [Method.COUNTS, Method.EVENTS]
        elif step.source.kind is not Kind.MEMBRANE:
            tried = [Method.FLOATS, Method.FLOAT_EVENTS]
        times = {}
        for method in tried:
            network._methods[place] = method
            times[method] = min(self._milliseconds(place) for _ in range(TIMING_RUNS))
        best = min(times, key=times.__getitem__)
        network._methods[place] = best
        activity = float("nan"), float("nan")
        if step.source.kind is not Kind.MEMBRANE:
            activity = _activity(self._without_padding(step.source))
        network.plan.append(LayerPlan(step.name, best, *activity, times))

    def _milliseconds(self, place: int) -> float:
        start = time.thread_time()  # of this thread: what else runs on the machine hardly matters
        self.convolve(place)
        return 1e3 * (time.thread_time() - start)

    def returned(self, wanted: Returned) -> SparseTensor | Tensor | Sites:
        """Part of a signal as the network would return it."""
        level = self.level[wanted.signal.step]
        sites = self.levels.sites(level)
        if wanted.part is Part.SITES:
            return sites
        features = self.levels.features(self._without_padding(wanted.signal), level)
        return features if wanted.part is Part.FEATURES else SparseTensor(features, sites)

    def _without_padding(self, signal: Signal) -> NDArray[np.float32]:
        reals = self._reals(signal)
        if reals is None:
            reals = self._spikes(signal) * np.float32(self.network._units[signal.step])
        if signal.step == INPUT:
            return reals
        return reals[:, : self.network._weights[signal.step].out_channels]

    def _spikes(self, signal: Signal) -> Array:
        """Counts, in whichever form the network has them."""
        outputs = self.outputs[signal.step]
        spikes = outputs.spikes if outputs.counts is None else outputs.counts
        assert spikes is not None  # the program made it
        return spikes

    def _reals(self, signal: Signal) -> NDArray[np.float32] | None:
        outputs = self.outputs[signal.step]
        reals: NDArray[np.float32] | None = getattr(outputs, signal.kind.value)
        return reals

    def _new_outputs(self, place: int, rows: int) -> Outputs:
        network = self.network
        step = network._program.steps[place]
        channels = len(network._weights[place].bias)
        outputs = Outputs()
        if step.needs_membrane:
            buffer = self._buffer(place, "membrane", rows, channels, np.float32)
            outputs = replace(outputs, membrane=buffer)
        if step.rectified and network._precision is not Precision.INT8_CALIBRATED:
            rectified = self._buffer(place, "rectified", rows, channels, np.float32)
            return replace(outputs, rectified=rectified)
        if step.max_count is None and not step.rectified:
            return outputs
        if network._precision is Precision.FLOAT32:
            spikes = self._buffer(place, "spikes", rows, channels, np.float32)
            return replace(outputs, spikes=spikes)
        return replace(
            outputs,
            counts=self._buffer(place, "counts", rows, channels, np.uint8),
            active=self._buffer(place, "active", rows, 1, np.uint8),
        )

    def _buffer(self, place: int, name: str, rows: int, channels: int, dtype: type) -> Array:
        """Memory kept from call to call: fresh pages cost more than the arithmetic on them."""
        buffers = self.network._buffers
        buffer = buffers.get((place, name))
        if buffer is None or len(buffer) < rows:
            buffer = buffers[place, name] = np.empty((rows + rows // 4, channels), dtype)
        return buffer[:rows]


def _activity(activations: NDArray[np.float32]) -> tuple[float, float]:
    """Share of (V, channels) that is not zero, and of rows that are all zero."""
    if not len(activations):
        return float("nan"), float("nan")
    fired = activations != 0
    return float(fired.mean()), float(1.0 - fired.any(1).mean())


def _packed(
    program: Program, step: Step, precision: Precision, units: Sequence[float]
) -> PackedWeights:
    arithmetic = arithmetic_of(step)
    weight, scale, shift = (
        tensor.numpy() for tensor in (arithmetic.weight, arithmetic.scale, arithmetic.shift)
    )
    if takes_counts(step, precision):
        largest = LARGEST_WEIGHT
        if precision is Precision.INT16:
            max_count = program.steps[step.source.step].max_count or LARGEST_COUNT
            largest = largest_wide_weight(weight[0].size, max_count)
        whole, unit = quantised(weight, largest)
        unit = unit * np.float32(units[step.source.step])
        return pack_integers(whole, unit * scale, shift)
    return pack_floats(weight, shift, scale)
