"""How the `edge` head says a box, and how good it takes the box to be.

The axis along which a box lies is told apart from the end that is its front: where a scan does not
show the front, the mean of both directions would be no direction at all. So the axis is said by
sine and cosine of twice the yaw, the front by sine and cosine of the yaw itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

OFFSET, Z, SIZES = slice(0, 2), slice(2, 3), slice(3, 6)
AXIS, HEADING, QUALITY = slice(6, 8), slice(8, 10), 10

BOX_CODE = 11
"""Centre x and y from the middle of the site in sites, z in m above the road, log of the three
sizes in m, sine and cosine of twice the yaw, sine and cosine of the yaw, and the logit of the
overlap that the box is expected to have with the true one."""

REGRESSED = slice(0, 10)
"""What has a true value; the quality depends on what the network says."""

_LARGEST_LOG_SIZE = 3.5  # 33 m; a runaway size would be no box at all


def site_centres(coordinates: Tensor, site: float, reach: float) -> Tensor:
    """(V, 2) x and y in m of the middles of sites (V, 3) batch, y, x."""
    return (coordinates[:, [2, 1]] + 0.5) * site - reach


def encode_box(box: Tensor, offset: Tensor) -> Tensor:
    """(K, BOX_CODE) of one box (7,) as K sites see it, quality 0.

    Args:
        box: x y z dx dy dz yaw.
        offset: (K, 2) from the sites to the box's centre, in sites.
    """
    yaw = box[6:]
    rest = torch.cat(
        [box[2:3], box[3:6].log(), (2 * yaw).sin(), (2 * yaw).cos(), yaw.sin(), yaw.cos(),
         torch.zeros_like(yaw)]
    )  # fmt: skip
    return torch.cat([offset, rest.expand(len(offset), -1)], dim=1)


def decode_boxes(code: Tensor, centres: Tensor, site: float) -> Tensor:
    """Boxes (V, 7) float64, yaw in (-pi, pi].

    Args:
        code: (V, BOX_CODE).
        centres: (V, 2) of the sites in m.
        site: edge of a site in m.
    """
    code = code.double()
    axis = 0.5 * torch.atan2(code[:, 6], code[:, 7])
    backwards = axis.sin() * code[:, 8] + axis.cos() * code[:, 9] < 0
    yaw = axis + torch.where(axis > 0, -1.0, 1.0).to(axis) * math.pi * backwards
    return torch.cat(
        [
            centres.double() + code[:, OFFSET] * site,
            code[:, Z],
            code[:, SIZES].clamp(-_LARGEST_LOG_SIZE, _LARGEST_LOG_SIZE).exp(),
            yaw[:, None],
        ],
        dim=1,
    )
