"""Statistics of batch normalisation measured anew.

Those of a moving average of networks are another network's: the average has never seen a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

Batch = TypeVar("Batch")


@torch.no_grad()
def measure_normalisation(
    network: nn.Module, run: Callable[[Batch], object], batches: Iterable[Batch]
) -> None:
    """Replace all running means and variances by their plain mean over some batches.

    The network is left in evaluation mode.

    Args:
        network: whose normalisations are measured.
        run: gives a batch to the network.
        batches: as it was trained on.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
    network.train()
    for batch in batches:
        run(batch)
    network.eval()
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
