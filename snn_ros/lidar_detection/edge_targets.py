"""What the `edge` head shall say, and how wrong it is.

Heat falls off as a Gaussian around each object's centre; the site nearest to the centre is the
positive one: sites are only where points are. An object that has none is not to be found. Sites
about the centre learn the box.
Heat: penalty-reduced focal loss (H. Law, J. Deng: CornerNet, ECCV 2018); boxes: smooth L1 and the
overlap that is missing; quality: divergence from the overlap that the box has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    logsigmoid,
    smooth_l1_loss,
)

from snn_ros.geometry.boxes import Boxes
from snn_ros.geometry.rotated_iou import iou_3d
from snn_ros.lidar_detection.edge import HeadOutput
from snn_ros.lidar_detection.edge_boxes import (
    BOX_CODE,
    QUALITY,
    REGRESSED,
    decode_boxes,
    encode_box,
    site_centres,
)
from snn_ros.lidar_detection.scans import CLASSES

IGNORED = -1
"""Label of objects that are neither to be found nor wrong."""

_SMOOTH = 1.0 / 9.0  # below this the box loss is quadratic, as in the published detectors
_LEAST_SPREAD = 1.0  # of the Gaussian, in sites
_SPREAD_OF_SIZE = 1.0 / 6.0  # of the mean of length and width
_LEARNS_BOX = 0.4  # heat from which on a site learns the box
_MARGIN = 0.4  # m around an object, of sites that may have points of it


@dataclass(frozen=True, eq=False)
class Targets:
    """Of V sites.

    Attributes:
        heat: (V, classes) in 0..1; 1 at a positive site.
        cares: (V, classes) 0 where it does not matter whether there is heat.
        boxes: (V, BOX_CODE) where ``box_weights`` is above 0.
        box_weights: (V,) heat of the box's object.
        box_labels: (V,) int64 its class.
    """

    heat: Tensor
    cares: Tensor
    boxes: Tensor
    box_weights: Tensor
    box_labels: Tensor


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
    codes = torch.zeros(len(coordinates), BOX_CODE)
    classes = torch.zeros(len(coordinates), dtype=torch.int64)
    centres = site_centres(coordinates.cpu().float(), site, reach)
    for sample, (own_boxes, own_labels) in enumerate(zip(boxes, labels, strict=True)):
        rows = (coordinates[:, 0].cpu() == sample).nonzero().squeeze(1)
        for box, label in zip(torch.from_numpy(own_boxes).float(), own_labels, strict=True):
            if not len(rows) or box[:2].abs().max() > reach:
                continue
            away = centres[rows] - box[:2]
            about = _inside(away, box)
            if label == IGNORED or not about.any():
                cares[rows[about]] = 0.0
                continue
            spread = max(_LEAST_SPREAD, float(box[3:5].mean()) * _SPREAD_OF_SIZE / site)
            squared = (away / site).square().sum(1)
            own = torch.exp(-squared / (2.0 * spread**2))
            nearest = int(squared.argmin())
            own[nearest] = 1.0
            heat[rows, label] = heat[rows, label].maximum(own)
            learns = (own > _LEARNS_BOX) & (own > weights[rows])
            weights[rows[learns]] = own[learns]
            codes[rows[learns]] = encode_box(box, -away[learns] / site, int(label))
            classes[rows[learns]] = int(label)
    cares[heat >= 1.0] = 1.0
    device = coordinates.device
    return Targets(*(part.to(device) for part in (heat, cares, codes, weights, classes)))


def detection_loss(
    output: HeadOutput, targets: Targets, site: float
) -> tuple[Tensor, dict[str, float]]:
    """Loss of heat, boxes, overlap and quality, and each as a figure.

    Heat is summed over sites and divided by objects, the others are means over the sites that
    learn a box.

    Args:
        output: of the network.
        targets: at its sites.
        site: edge of a site in m.
    """
    objects = (targets.heat >= 1.0).sum().clamp(min=1)
    heat = (_focal(output.heat, targets.heat) * targets.cares).sum() / objects
    rows = targets.box_weights.nonzero().squeeze(1)
    weights = targets.box_weights[rows] / targets.box_weights.sum().clamp(min=1.0)
    said, true = output.boxes[rows], targets.boxes[rows]
    wrong = smooth_l1_loss(said[:, REGRESSED], true[:, REGRESSED], reduction="none", beta=_SMOOTH)
    overlap = _overlap(said, true, targets.box_labels[rows], site).to(weights.dtype)
    quality = _divergence(said[:, QUALITY], overlap.detach())
    losses = {
        "heat_loss": heat,
        "box_loss": (wrong.sum(1) * weights).sum(),
        "overlap_loss": ((1.0 - overlap) * weights).sum(),
        "quality_loss": (quality * weights).sum(),
    }
    total = torch.stack(list(losses.values())).sum()
    return total, {name: loss.item() for name, loss in losses.items()}


def _divergence(logits: Tensor, target: Tensor) -> Tensor:
    """Kullback-Leibler divergence of probabilities from those of logits; 0 where they agree."""
    own = target.clamp(1e-6, 1.0 - 1e-6)
    entropy = -(own * own.log() + (1.0 - own) * (1.0 - own).log())
    return binary_cross_entropy_with_logits(logits, own, reduction="none") - entropy


def _overlap(said: Tensor, true: Tensor, labels: Tensor, site: float) -> Tensor:
    """(K,) IoU in space of the boxes of two codes at the same sites, float64.

    The yaw has no gradient from here: where sine and cosine vanish, it would have no bound.
    """
    middle = said.new_zeros(len(said), 2)
    found = decode_boxes(said, labels, middle, site)
    found = torch.cat([found[:, :6], found[:, 6:].detach()], dim=1)
    overlap: Tensor = iou_3d(found, decode_boxes(true, labels, middle, site))
    return overlap


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
    return (along <= box[3] / 2 + _MARGIN) & (across <= box[4] / 2 + _MARGIN)
