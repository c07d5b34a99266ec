"""How the `edge` head says a box, and how good it takes the box to be.

The axis along which a box lies is told apart from the end that is its front: where a scan does not
show the front, the mean of both directions would be no direction at all. So the axis is said by
sine and cosine of twice the yaw, the front by sine and cosine of the yaw itself.

Sizes and height are said as differences from those of a usual object of the class, in units of
their spread. Said outright, what tells a car from a pedestrian drowns what tells two cars apart:
a network so trained gave all cars lengths that had nothing to do with them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

OFFSET, Z, SIZES = slice(0, 2), slice(2, 3), slice(3, 6)
AXIS, HEADING, QUALITY = slice(6, 8), slice(8, 10), 10

BOX_CODE = 11
"""Centre x and y from the middle of the site in sites, z and log of the three sizes as differences
from those of the class in units, sine and cosine of twice the yaw, sine and cosine of the yaw, and
the logit of the overlap that the box is expected to have with the true one."""

USUAL_SIZES = ((3.9, 1.6, 1.56), (0.8, 0.6, 1.73), (1.76, 0.6, 1.73))
"""Length, width, height in m by class: the anchors that detectors of KITTI's objects share."""

Z_UNIT = 0.25  # m
SIZE_UNIT = 0.1  # of the logarithm

REGRESSED = slice(0, 10)
"""What has a true value; the quality depends on what the network says."""

_LARGEST_LOG = 2.0  # 7 times the usual size; a runaway size would be no box at all


def site_centres(coordinates: Tensor, site: float, reach: float) -> Tensor:
    """(V, 2) x and y in m of the middles of sites (V, 3) batch, y, x."""
    return (coordinates[:, [2, 1]] + 0.5) * site - reach


def encode_box(box: Tensor, offset: Tensor, label: int) -> Tensor:
    """(K, BOX_CODE) of one box (7,) as K sites see it, quality 0.

    Args:
        box: x y z dx dy dz yaw.
        offset: (K, 2) from the sites to the box's centre, in sites.
        label: index of its class.
    """
    usual, yaw = box.new_tensor(USUAL_SIZES[label]), box[6:]
    rest = torch.cat(
        [(box[2:3] - usual[2] / 2) / Z_UNIT, (box[3:6] / usual).log() / SIZE_UNIT,
         (2 * yaw).sin(), (2 * yaw).cos(), yaw.sin(), yaw.cos(), torch.zeros_like(yaw)]
    )  # fmt: skip
    return torch.cat([offset, rest.expand(len(offset), -1)], dim=1)


def decode_boxes(code: Tensor, labels: Tensor, centres: Tensor, site: float) -> Tensor:
    """Boxes (V, 7) float64, yaw in (-pi, pi].

    Args:
        code: (V, BOX_CODE).
        labels: (V,) indices of the classes that the boxes are of.
        centres: (V, 2) of the sites in m.
        site: edge of a site in m.
    """
    code = code.double()
    usual = code.new_tensor(USUAL_SIZES)[labels]
    axis = 0.5 * torch.atan2(code[:, 6], code[:, 7])
    backwards = axis.sin() * code[:, 8] + axis.cos() * code[:, 9] < 0
    yaw = axis + torch.where(axis > 0, -1.0, 1.0).to(axis) * math.pi * backwards
    larger = (SIZE_UNIT * code[:, SIZES]).clamp(-_LARGEST_LOG, _LARGEST_LOG)
    return torch.cat(
        [
            centres.double() + code[:, OFFSET] * site,
            usual[:, 2:] / 2 + code[:, Z] * Z_UNIT,
            usual * larger.exp(),
            yaw[:, None],
        ],
        dim=1,
    )
