"""Maps of the future: two spiking pathways step by step, then residual stages over all frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snn_ros.planning.paper.blocks import (
    SpikeAddBlock,
    batch_norm,
    broadcast_over,
    conv3x3,
)
from snn_ros.planning.paper.quirks import Quirks, batch_first, time_first
from snn_ros.spiking.lif import LIFParameters, LIFState
from snn_ros.spiking.modules import LIF
from snn_ros.spiking.surrogate import ArctanSurrogate

FORWARD_AXIS = 2  # of (B, C, X, Y)


class DualPathway(nn.Module):
    """Future maps, one after the other: one pathway sees the latent, one the past."""

    def __init__(self, channels: int, latent: int, quirks: Quirks) -> None:
        super().__init__()
        self.quirks = quirks
        self.conv_update_1 = _update(latent + channels, channels)
        self.lif1 = _pathway_cell()
        self.conv_update_2 = _update(2 * channels, channels)
        self.lif2 = _pathway_cell()
        self.conv_decoder_lif = nn.Sequential(*_update(channels, channels), _pathway_cell())

    def forward(self, states: Tensor, latent: Tensor, future: int) -> Tensor:
        """Predict.

        Args:
            states: (B, S, C, X, Y) past and present.
            latent: (B, L).
            future: steps to predict.

        Returns:
            (B, future, C, X, Y) of 0 and 1 (0..2 with the fusion `add`).
        """
        hidden, membrane = self._warmed_up(states)
        present = states[:, -1]
        first: LIFState | None = None
        decoded: LIFState | None = None
        if self.quirks.overwritten_membranes:
            first = membrane = LIFState(present.softmax(FORWARD_AXIS))
        z = broadcast_over(present, latent)
        outputs, by_latent, by_past = [], present, present
        for _ in range(future):
            by_latent, first = self.lif1(self.conv_update_1(torch.cat([z, by_latent], 1)), first)
            hidden, membrane = self._remembered(by_past, hidden, membrane)
            *update, cell = self.conv_decoder_lif
            by_past, decoded = cell(update[1](update[0](hidden)), decoded)
            fused = by_latent * by_past if self.quirks.fusion == "mul" else by_latent + by_past
            outputs.append(fused)
            by_latent = by_past = fused
        return torch.stack(outputs, dim=1)

    def _warmed_up(self, states: Tensor) -> tuple[Tensor, LIFState | None]:
        """Hidden map and membrane after the past; the first frame is both hidden map and input."""
        hidden, membrane = states[:, 0], None
        for state in states[:, :-1].unbind(1):
            hidden, membrane = self._remembered(state, hidden, membrane)
        return hidden, membrane

    def _remembered(
        self, x: Tensor, hidden: Tensor, membrane: LIFState | None
    ) -> tuple[Tensor, LIFState]:
        return self.lif2(self.conv_update_2(torch.cat([x, hidden], 1)), membrane)


class Predictor(nn.Module):
    """The dual pathway, and three residual stages whose time axis is the frames."""

    def __init__(self, channels: int, latent: int, hidden: int, quirks: Quirks) -> None:
        """Choose sizes.

        Args:
            channels: of the maps.
            latent: numbers of the latent.
            hidden: channels inside the blocks of the second and third stage.
            quirks: of the published code.
        """
        super().__init__()
        self.quirks = quirks
        self.dual_lif = DualPathway(channels, latent, quirks)
        self.layer1 = _stage(channels, channels)
        self.layer2 = _stage(channels, hidden)
        self.layer3 = _stage(channels, hidden)

    def forward(self, states: Tensor, latent: Tensor, future: int) -> Tensor:
        """Maps (B, S, C, X, Y) and latent (B, L) to maps (B, S + future, C, X, Y)."""
        return self.refined(states, self.dual_lif(states, latent, future))

    def refined(self, states: Tensor, predicted: Tensor) -> Tensor:
        """Past maps and predicted maps, joined along time, after the residual stages."""
        reshaped = self.quirks.reshaped_time
        x = time_first(torch.cat([states, predicted], dim=1), reshaped=reshaped)
        return batch_first(self.layer3(self.layer2(self.layer1(x))), reshaped=reshaped)


def _pathway_cell() -> LIF:
    return LIF(LIFParameters(decay=0.5, detach_reset=False), ArctanSurrogate(2.0))


def _update(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(in_channels, channels, bias=True), batch_norm(channels))


def _stage(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(SpikeAddBlock(channels, hidden), SpikeAddBlock(channels, hidden))
