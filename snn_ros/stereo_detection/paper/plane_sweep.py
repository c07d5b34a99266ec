"""Sweep over planes of constant depth: left features beside right ones, at each plane's shift."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STEP = 4
"""Pixels between the columns, and rows, of the volume."""
WINDOW = 32
"""Channels that one plane looks at."""
TABLE_POWER = 0.1  # of the disparity, by which the window slides
_BELOW_END = 1e-9  # keeps the last plane inside the table


def depth_planes(nearest: float, farthest: float, planes: int) -> Tensor:
    """(planes,) depths in m, float32, in the middle of equal intervals."""
    step = (farthest - nearest) / planes
    return nearest + step * (torch.arange(planes, dtype=torch.float32) + 0.5)


def channel_table(disparities: Tensor, channels: int) -> Tensor:
    """First channels of windows, from the largest to the smallest disparity.

    Args:
        disparities: (planes,) in any unit, falling; their type decides how they are rounded, and
            with half precision one entry differs for some cameras.
        channels: that the features have; there are ``channels - WINDOW + 1`` windows.

    Returns:
        (windows,) int64.
    """
    windows = channels - WINDOW + 1
    line = disparities.float()[None, None]
    resampled = functional.interpolate(line, windows, mode="linear")[0, 0]
    curve = resampled.to(disparities.dtype).float() ** TABLE_POWER
    curve = curve / ((curve.max() - curve.min()) / windows)
    place = (curve - curve.min()).floor().clamp(0, windows - 1)
    return (windows - 1 - place).long()


def first_channels(disparities: Tensor, channels: int) -> Tensor:
    """(planes,) int64: the first channel of each plane's window."""
    table = channel_table(disparities, channels)
    last = max(len(disparities) - 1, 1)
    entries = [int(k / last * (len(table) - _BELOW_END)) for k in range(len(disparities))]
    return table[entries]


def cost_volume(left: Tensor, right: Tensor, disparities: Tensor) -> Tensor:
    """Features of the left image beside those that the right image has at each plane.

    A channel keeps its slot while the window slides over it: slot = channel mod 32.

    Args:
        left: (batch, C, rows, columns), at every fourth row and column.
        right: (batch, C, rows, W), at every fourth row and every column.
        disparities: (planes,) float32 in pixels.

    Returns:
        (batch, 64, planes, rows, columns): left, then right, which is 0 outside the image.
    """
    channels, width = right.shape[1], right.shape[-1]
    slot = torch.arange(WINDOW, device=left.device)
    first = first_channels(disparities, channels).to(left.device)
    window = first[:, None] + (slot - first[:, None]) % WINDOW
    # float32 on purpose: the published rounding decides the weights
    pixel = torch.arange(0, left.shape[-1] * STEP, STEP, device=left.device, dtype=torch.float32)
    position = pixel - disparities[:, None]
    inside = (position >= 0) & (position <= width - 1)
    position = position.clamp(0, width - 1)
    low = position.floor()
    weight = (position - low) * inside
    other = (1 - (position - low)) * inside
    index = low.long()
    planes = []
    for k, chosen in enumerate(window):
        seen = right[:, chosen]
        near, far = seen[..., index[k]], seen[..., (index[k] + 1).clamp(max=width - 1)]
        planes.append(torch.cat([left[:, chosen], other[k] * near + weight[k] * far], dim=1))
    return torch.stack(planes, dim=2)
