"""A network of sparse convolutions by spconv on the CPU, in an environment of its own.

Called by `benchmarks.rivals`, not by hand: ``spconv_rival.py STEPS.json ARRAYS.npz OUT.npz``.
Knows nothing of this project, whose requirements its environment does not have.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import spconv.pytorch as spconv
import torch

RUNS = 10


def layers_of(steps: list[dict[str, Any]], arrays: Any) -> list[Any]:
    """The convolutions, in the order of the steps."""
    made = []
    for place, step in enumerate(steps):
        weight = torch.from_numpy(arrays[f"weight_{place}"])  # (Cout, z, y, x, Cin)
        shape = weight.shape[-1], weight.shape[0], list(weight.shape[1:-1])
        if step["stride"] is None:
            layer = spconv.SubMConv3d(*shape, bias=False, indice_key=f"same {step['level']}")
        else:
            layer = spconv.SparseConv3d(
                *shape, step["stride"], step["padding"], bias=False, indice_key=f"down {place}"
            )
        layer.weight = torch.nn.Parameter(weight, requires_grad=False)
        made.append(layer)
    return made


def run(steps: list[dict[str, Any]], layers: list[Any], arrays: Any, biases: list[Any]) -> Any:
    """The last membranes; its CPU kernels take no bias, so that is added behind."""
    x = spconv.SparseConvTensor(
        torch.from_numpy(arrays["features"]), torch.from_numpy(arrays["coordinates"]),
        arrays["shape"].tolist(), 1,
    )  # fmt: skip
    membranes = {-1: x}
    for place, (step, layer) in enumerate(zip(steps, layers, strict=True)):
        source = membranes[step["source"]]
        if step["max_count"] is not None:
            counts = source.features.clamp(0, step["max_count"]).add_(0.5).floor_()
            source = source.replace_feature(counts)
        out = layer(source)
        features = out.features.add_(biases[place])
        if step["shortcut"] is not None:
            features.add_(membranes[step["shortcut"]].features)
        membranes[place] = out
    return membranes[len(steps) - 1]


@torch.no_grad()
def main(steps_file: str, arrays_file: str, out_file: str) -> None:
    """Run, and write the last membranes, their sites and the best times in s."""
    torch.set_num_threads(1)  # with more its CPU build computes wrong rows
    with open(steps_file) as file:  # noqa: PTH123
        steps = json.load(file)
    arrays = dict(np.load(arrays_file, allow_pickle=False))
    layers = layers_of(steps, arrays)
    biases = [torch.from_numpy(arrays[f"bias_{place}"]) for place in range(len(steps))]
    walls, cpus = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        last = run(steps, layers, arrays, biases)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    np.savez(
        out_file, features=last.features.numpy(), coordinates=last.indices.numpy(),
        wall=min(walls), cpu=min(cpus),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
