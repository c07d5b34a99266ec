"""Maps over time to the outputs: a small residual pyramid whose time axis is the frames."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, nn

from snn_ros.planning.paper.blocks import (
    MembraneBlock,
    PerStep,
    batch_norm,
    conv3x3,
    head_cell,
)
from snn_ros.planning.paper.quirks import Quirks, batch_first, time_first

SEGMENTATION, PEDESTRIAN, HDMAP, COST = "segmentation", "pedestrian", "hdmap", "costvolume"
CENTER, OFFSET, FLOW = "instance_center", "instance_offset", "instance_flow"
OUTPUTS = {SEGMENTATION: 2, PEDESTRIAN: 2, HDMAP: 4, OFFSET: 2, CENTER: 1, FLOW: 2, COST: 1}
"""Channels of each output. Logits, but for centres (0..1), offsets, flow (cells) and cost."""
_HEAD_NAMES = {FLOW: "instance_future"}


class UpsamplingAdd(nn.Module):
    """Twice the resolution, fired, projected, and the skip map added."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.upsample_layer = nn.Sequential(
            PerStep(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)),
            head_cell(),
            PerStep(nn.Conv2d(in_channels, channels, 1, bias=False)),
            PerStep(batch_norm(channels)),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(T, B, in_channels, H, W) and skip (T, B, channels, 2H, 2W) to the latter's shape."""
        return self.upsample_layer(x) + skip


class Decoder(nn.Module):
    """Trunk and one head per output; maps (B, S, C, X, Y), X and Y multiples of 8."""

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int, int],
        outputs: Collection[str],
        present: int,
        quirks: Quirks,
    ) -> None:
        """Choose size and outputs.

        Args:
            channels: of the maps that come in.
            widths: of the three resolutions, from 1/2 to 1/8.
            outputs: names in `OUTPUTS`.
            present: index of the present frame, for which alone the street map is made.
            quirks: of the published code.
        """
        super().__init__()
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown:
            raise ValueError(f"outputs = {unknown}: must be among {', '.join(OUTPUTS)}")
        first, second, third = widths
        self.present = present
        self.quirks = quirks
        self.outputs = tuple(outputs)
        self.first_conv = PerStep(nn.Conv2d(channels, first, 7, stride=2, padding=3, bias=False))
        self.bn1 = PerStep(batch_norm(first))
        self.layer1 = _stage(first, first, stride=1)
        self.layer2 = _stage(first, second, stride=2)
        self.layer3 = _stage(second, third, stride=2)
        self.up3_skip = UpsamplingAdd(third, second)
        self.up2_skip = UpsamplingAdd(second, first)
        self.up1_skip = UpsamplingAdd(first, channels)
        self.up1_lif = head_cell()
        for name in self.outputs:
            self.add_module(_head_name(name), _head(name, channels))

    def spikes(self, states: Tensor) -> Tensor:
        """What the heads see: spikes (S, B, C, X, Y)."""
        x = time_first(states, reshaped=self.quirks.reshaped_time)
        spikes, membrane = self.up1_lif.run(x)
        half = self.layer1(self.bn1(self.first_conv(spikes)))
        quarter = self.layer2(half)
        up = self.up3_skip(self.layer3(quarter), quarter)
        up = self.up1_skip(self.up2_skip(up, half), x)
        return self.up1_lif.run(up, membrane if self.quirks.shared_end_cell else None)[0]

    def forward(self, states: Tensor) -> dict[str, Tensor]:
        """Maps (B, S, C, X, Y) to the outputs (B, S, channels, X, Y).

        The street map is (B, 4, X, Y), of the present frame; the cost is (B, S, X, Y).
        """
        x = batch_first(self.spikes(states), reshaped=self.quirks.reshaped_time)
        found = {}
        for name in self.outputs:
            head = self.get_submodule(_head_name(name))
            if name == HDMAP:
                found[name] = head(x[:, self.present])
            else:
                found[name] = head(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        if COST in found:
            found[COST] = found[COST].squeeze(2)
        return found


def _head_name(output: str) -> str:
    return f"{_HEAD_NAMES.get(output, output)}_head"


def _head(output: str, channels: int) -> nn.Sequential:
    """Linear for logits and cost; with a rectifier for what is regressed."""
    first = conv3x3(channels, channels)
    last = nn.Conv2d(channels, OUTPUTS[output], 1, bias=True)
    if output == HDMAP:
        return nn.Sequential(first, last)
    if output in (CENTER, OFFSET, FLOW):
        ends = [nn.Sigmoid()] if output == CENTER else []
        return nn.Sequential(first, batch_norm(channels), nn.ReLU(), last, *ends)
    return nn.Sequential(first, batch_norm(channels), last)


def _stage(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        MembraneBlock(in_channels, channels, stride), MembraneBlock(channels, channels)
    )
