"""Boxes from what the `edge` head says: peaks of heat, suppression, a vote of the sites around."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snn_ros.configuration import setting
from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.nms import rotated_nms
from snn_ros.geometry.rotated_iou import bev_iou_matrix
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import HeadOutput
from snn_ros.lidar_detection.edge_boxes import QUALITY, decode_boxes, site_centres
from snn_ros.sparse.tensor import Sites

VOTE_SCORE = 0.1
"""Least score of a box that votes: low, since neighbours of a peak have little heat."""
VOTE_OVERLAP = 0.3
"""BEV overlap a voting box has at least with the box it votes for."""
VOTE_POWER = 4
"""Exponent of the score in the weight of a vote."""


@dataclass(frozen=True)
class DecodingConfig:
    """Which boxes are kept.

    The score of a box is heat ** (1 - q) * overlap ** q: how much its site is a centre, and the
    overlap with the true box that the network expects, to the share ``quality``.
    """

    score_threshold: float = setting(0.54, "least score", minimum=0.0, maximum=1.0)
    overlap_threshold: float = setting(
        0.2, "BEV overlap with a better box of the class from which on a box is dropped",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    quality: float = setting(
        0.5, "share q of the expected overlap in the score", minimum=0.0, maximum=1.0
    )
    most: int = setting(200, "boxes per scan", minimum=1)


def decode(
    output: HeadOutput, site: float, reach: float, config: DecodingConfig
) -> list[Detections]:
    """Detections of every sample, best first, z above the road.

    Args:
        output: of the network.
        site: edge of a site in m.
        reach: x and y of the first site's corner are ``-reach``.
        config: which boxes are kept.
    """
    heat = output.heat.sigmoid()
    overlap = output.boxes[:, QUALITY, None].sigmoid()
    scores = heat ** (1.0 - config.quality) * overlap**config.quality
    least = min(VOTE_SCORE, config.score_threshold)
    rows, labels = (scores >= least).nonzero().T
    peaks = _are_peaks(output.sites, heat, rows, labels)
    peaks &= scores[rows, labels] >= config.score_threshold
    centres = site_centres(output.sites.coordinates[rows], site, reach)
    boxes = decode_boxes(output.boxes[rows], labels, centres, site)
    candidates = Detections.of(boxes, scores[rows, labels], labels)
    sample = output.sites.coordinates[rows, 0].cpu().numpy()
    are_peaks = peaks.cpu().numpy()
    return [
        voted(
            _suppressed(candidates.select((sample == i) & are_peaks), config),
            candidates.select(sample == i),
        )
        for i in range(output.sites.batch_size)
    ]


def voted(kept: Detections, candidates: Detections) -> Detections:
    """The kept boxes, each moved to the weighted mean of the boxes that agree with it.

    Every site near an object says where its box is. The mean of those answers is steadier than
    that of the peak alone, above all in yaw. Votes weigh score ** VOTE_POWER * overlap; yaws are
    averaged modulo half a turn about that of the kept box, whose heading stays. Scores and labels
    stay. Box voting: S. Gidaris and N. Komodakis, "Object detection via a multi-region and
    semantic segmentation-aware CNN model", ICCV 2015, section 5.

    Args:
        kept: K detections.
        candidates: of the same scan; those of another class or below VOTE_SCORE have no vote.
    """
    overlaps = bev_iou_matrix(kept.boxes, candidates.boxes)
    may_vote = (candidates.scores >= VOTE_SCORE) & (candidates.labels == kept.labels[:, None])
    boxes = kept.boxes.copy()
    for box, overlap, agree in zip(
        boxes, overlaps, may_vote & (overlaps > VOTE_OVERLAP), strict=True
    ):
        if agree.any():
            voters = candidates.boxes[agree]
            weights = candidates.scores[agree] ** VOTE_POWER * overlap[agree]
            weights /= weights.sum()
            turns = wrap_angle(voters[:, 6] - box[6], -np.pi / 2, np.pi)
            box[:6] = weights @ voters[:, :6]
            box[6] = wrap_angle(box[6] + weights @ turns)
    return replace(kept, boxes=boxes)


def _are_peaks(sites: Sites, heat: Tensor, rows: Tensor, labels: Tensor) -> Tensor:
    """(K,) whether no neighbouring site has more heat of the class.

    Only where a box is likely: the whole map would take longer than the rest of the decoding.
    """
    batch_size, (height, width) = sites.batch_size, sites.spatial_shape
    around = heat.new_zeros(batch_size, height + 2, width + 2, heat.shape[1])  # an empty margin
    sample, y, x = sites.coordinates.long().T
    around[sample, y + 1, x + 1] = heat
    steps = torch.arange(3, device=heat.device)
    sample, y, x = (column[rows, None, None] for column in (sample, y, x))
    neighbours = around[sample, y + steps[:, None], x + steps, labels[:, None, None]]
    return heat[rows, labels] >= neighbours.amax((1, 2))


def _suppressed(found: Detections, config: DecodingConfig) -> Detections:
    return found.select(
        rotated_nms(
            found.boxes,
            found.scores,
            config.overlap_threshold,
            labels=found.labels,
            most_after=config.most,
        )
    )
