"""Cameras as the network sees them: intrinsics of its images, and points along their rays."""

from __future__ import annotations

import torch
from torch import Tensor

from snn_ros.planning.paper.grid import Bound

STRIDE = 8  # pixels per feature


def resized_and_cropped(intrinsics: Tensor, scale: float, top: float, left: float = 0.0) -> Tensor:
    """Intrinsics (..., 3, 3) of an image scaled by `scale` and then cut at `top` and `left`."""
    adjusted = intrinsics.clone()
    adjusted[..., :2, :] *= scale
    adjusted[..., :2, 2] -= adjusted.new_tensor([left, top])
    return adjusted


def frustum_of(image_size: tuple[int, int], depth: Bound) -> Tensor:
    """Pixel and depth of every sample of a camera's rays.

    The rays span pixel 0 to the last, so they are not at multiples of the stride.

    Args:
        image_size: height and width in pixels.
        depth: first, end (excluded) and step in m.

    Returns:
        (D, H/8, W/8, 3) u in pixels, v in pixels, depth in m.
    """
    height, width = image_size
    depths = torch.arange(*depth)
    v = torch.linspace(0, height - 1, height // STRIDE)
    u = torch.linspace(0, width - 1, width // STRIDE)
    d, v, u = torch.meshgrid(depths, v, u, indexing="ij")
    return torch.stack([u, v, d], dim=-1)


def points_of(frustum: Tensor, intrinsics: Tensor, extrinsics: Tensor) -> Tensor:
    """Where the samples are: R K^-1 (u d, v d, d) + t.

    Args:
        frustum: (D, H, W, 3) of `frustum_of`.
        intrinsics: (..., 3, 3) of the images as the network sees them.
        extrinsics: (..., 4, 4) camera's optical frame to flattened ego frame.

    Returns:
        (..., D, H, W, 3) in m.
    """
    depth = frustum[..., 2:]
    scaled = torch.cat([frustum[..., :2] * depth, depth], dim=-1)
    back = extrinsics[..., :3, :3] @ torch.inverse(intrinsics)
    points = torch.einsum("...ij,dhwj->...dhwi", back, scaled)
    return points + extrinsics[..., None, None, None, :3, 3]
