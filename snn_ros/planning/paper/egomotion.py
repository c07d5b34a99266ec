"""Motion of the vehicle between frames: six numbers, matrices, planes of the network's input."""

from __future__ import annotations

import torch
from torch import Tensor


def matrices_of(motion: Tensor) -> Tensor:
    """Rigid transforms of motions.

    Args:
        motion: (..., 6) tx, ty, tz in m; rx, ry, rz in rad.

    Returns:
        (..., 4, 4) with rotation Rx Ry Rz.
    """
    cosine, sine = motion[..., 3:].cos(), motion[..., 3:].sin()
    cx, cy, cz = cosine.unbind(-1)
    sx, sy, sz = sine.unbind(-1)
    zero, one = torch.zeros_like(cx), torch.ones_like(cx)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))

    about_x = matrix(one, zero, zero, zero, cx, -sx, zero, sx, cx)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_z = matrix(cz, -sz, zero, sz, cz, zero, zero, zero, one)
    transform = torch.eye(4, dtype=motion.dtype, device=motion.device)
    transform = transform.repeat(*motion.shape[:-1], 1, 1)
    transform[..., :3, :3] = about_x @ about_y @ about_z
    transform[..., :3, 3] = motion[..., :3]
    return transform


def motions_of(transform: Tensor) -> Tensor:
    """The six numbers (..., 6) of transforms (..., 4, 4); the inverse of `matrices_of`."""
    rx = torch.atan2(-transform[..., 1, 2], transform[..., 2, 2])
    horizontal = torch.hypot(transform[..., 1, 2], transform[..., 2, 2])
    ry = torch.atan2(transform[..., 0, 2], horizontal)
    rz = torch.atan2(-transform[..., 0, 1], transform[..., 0, 0])
    return torch.cat([transform[..., :3, 3], torch.stack([rx, ry, rz], dim=-1)], dim=-1)


def inverse(transform: Tensor) -> Tensor:
    """Inverses (..., 4, 4) of rigid transforms, by transposing the rotation."""
    rotation = transform[..., :3, :3].mT
    inverted = torch.zeros_like(transform)
    inverted[..., :3, :3] = rotation
    inverted[..., :3, 3] = -(rotation @ transform[..., :3, 3:]).squeeze(-1)
    inverted[..., 3, 3] = 1.0
    return inverted


def with_motion_planes(maps: Tensor, motion: Tensor) -> Tensor:
    """Maps with six constant planes: the motion from the frame before, 0 in the first frame.

    Args:
        maps: (B, S, C, X, Y).
        motion: (B, S or more, 6); entry t maps coordinates of frame t to frame t + 1.

    Returns:
        (B, S, C + 6, X, Y).
    """
    past = motion[:, : maps.shape[1] - 1].to(maps.dtype)
    planes = torch.cat([torch.zeros_like(motion[:, :1], dtype=maps.dtype), past], dim=1)
    planes = planes[..., None, None].expand(-1, -1, -1, *maps.shape[-2:])
    return torch.cat([maps, planes], dim=2)
