"""What the `edge` head shall say, and how wrong it is.

Heat falls off as a Gaussian around each object's centre; the site nearest to the centre is the
positive one, wherever it is: sites are only where points are. Sites about the centre learn the box.
Heat: penalty-reduced focal loss (H. Law, J. Deng: CornerNet, ECCV 2018); boxes: smooth L1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid, smooth_l1_loss

from snn_ros.geometry.boxes import Boxes
from snn_ros.lidar_detection.edge import HeadOutput
from snn_ros.lidar_detection.scans import CLASSES

IGNORED = -1
"""Label of objects that are neither to be found nor wrong, such as vans."""

BOX_WEIGHT = 1.0
_SMOOTH = 1.0 / 9.0  # below this the box loss is quadratic, as in the published detectors
_LEAST_SPREAD = 1.0  # of the Gaussian, in sites
_SPREAD_OF_SIZE = 1.0 / 6.0  # of the mean of length and width
_LEARNS_BOX = 0.6  # heat from which on a site learns the box
_IGNORED_MARGIN = 0.4  # m around an ignored object


@dataclass(frozen=True, eq=False)
class Targets:
    """Of V sites.

    Attributes:
        heat: (V, classes) in 0..1; 1 at a positive site.
        cares: (V, classes) 0 where it does not matter whether there is heat.
        boxes: (V, BOX_CODE) where ``box_weights`` is above 0.
        box_weights: (V,) heat of the box's object.
    """

    heat: Tensor
    cares: Tensor
    boxes: Tensor
    box_weights: Tensor


def make_targets(
    coordinates: Tensor,
    site: float,
    reach: float,
    boxes: Sequence[Boxes],
    labels: Sequence[NDArray[np.int64]],
) -> Targets:
    """Targets of a batch.

    Args:
        coordinates: (V, 3) batch, y, x of the sites, sample after sample.
        site: edge of a site in m.
        reach: x and y of the first site's corner are ``-reach``.
        boxes: by sample (M, 7), z above the road.
        labels: by sample (M,) indices into ``CLASSES``, or ``IGNORED``.
    """
    heat = torch.zeros(len(coordinates), len(CLASSES))
    cares, weights = torch.ones_like(heat), torch.zeros(len(coordinates))
    codes = torch.zeros(len(coordinates), 8)
    centres = (coordinates[:, [2, 1]].cpu().float() + 0.5) * site - reach
    for sample, (own_boxes, own_labels) in enumerate(zip(boxes, labels, strict=True)):
        rows = (coordinates[:, 0].cpu() == sample).nonzero().squeeze(1)
        for box, label in zip(torch.from_numpy(own_boxes).float(), own_labels, strict=True):
            if not len(rows) or box[:2].abs().max() > reach:
                continue
            away = centres[rows] - box[:2]
            if label == IGNORED:
                cares[rows[_inside(away, box)]] = 0.0
                continue
            spread = max(_LEAST_SPREAD, float(box[3:5].mean()) * _SPREAD_OF_SIZE / site)
            squared = (away / site).square().sum(1)
            own = torch.exp(-squared / (2.0 * spread**2))
            nearest = int(squared.argmin())
            own[nearest] = 1.0
            heat[rows, label] = heat[rows, label].maximum(own)
            learns = (own > _LEARNS_BOX) & (own > weights[rows])
            weights[rows[learns]] = own[learns]
            codes[rows[learns]] = encode_box(box, -away[learns] / site)
    cares[heat >= 1.0] = 1.0
    device = coordinates.device
    return Targets(heat.to(device), cares.to(device), codes.to(device), weights.to(device))


def encode_box(box: Tensor, offset: Tensor) -> Tensor:
    """(K, BOX_CODE) of one box (7,) as K sites see it; ``offset`` (K, 2) to it in sites."""
    rest = torch.cat([box[2:3], box[3:6].log(), box[6:].sin(), box[6:].cos()])
    return torch.cat([offset, rest.expand(len(offset), -1)], dim=1)


def detection_loss(output: HeadOutput, targets: Targets) -> tuple[Tensor, dict[str, float]]:
    """Heat and box loss, summed over sites and divided by objects; and both as figures."""
    objects = (targets.heat >= 1.0).sum().clamp(min=1)
    heat = (_focal(output.heat, targets.heat) * targets.cares).sum() / objects
    wrong = smooth_l1_loss(output.boxes, targets.boxes, reduction="none", beta=_SMOOTH).sum(1)
    boxes = (wrong * targets.box_weights).sum() / targets.box_weights.sum().clamp(min=1.0)
    figures = {"heat_loss": heat.item(), "box_loss": boxes.item()}
    return heat + BOX_WEIGHT * boxes, figures


def _focal(logits: Tensor, target: Tensor) -> Tensor:
    probability = logits.sigmoid()
    found = -((1.0 - probability).square()) * logsigmoid(logits)
    silent = -((1.0 - target) ** 4) * probability.square() * logsigmoid(-logits)
    return torch.where(target >= 1.0, found, silent)


def _inside(away: Tensor, box: Tensor) -> Tensor:
    """(V,) which sites, (V, 2) from a box's centre, are in it or just beside it."""
    cosine, sine = box[6].cos(), box[6].sin()
    along = (away[:, 0] * cosine + away[:, 1] * sine).abs()
    across = (away[:, 1] * cosine - away[:, 0] * sine).abs()
    return (along <= box[3] / 2 + _IGNORED_MARGIN) & (across <= box[4] / 2 + _IGNORED_MARGIN)
