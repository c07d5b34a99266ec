"""Boxes from what the `edge` head says: peaks of heat, then suppression of rotated boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snn_ros.configuration import setting
from snn_ros.geometry.nms import rotated_nms
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import HeadOutput
from snn_ros.lidar_detection.edge_boxes import QUALITY, decode_boxes, site_centres
from snn_ros.sparse.tensor import Sites


@dataclass(frozen=True)
class DecodingConfig:
    """Which boxes are kept.

    The score of a box is heat ** (1 - q) * overlap ** q: how much its site is a centre, and the
    overlap with the true box that the network expects, to the share ``quality``.
    """

    score_threshold: float = setting(0.48, "least score", minimum=0.0, maximum=1.0)
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
    rows, labels = (scores >= config.score_threshold).nonzero().T
    peaks = _are_peaks(output.sites, heat, rows, labels)
    rows, labels = rows[peaks], labels[peaks]
    centres = site_centres(output.sites.coordinates[rows], site, reach)
    boxes = decode_boxes(output.boxes[rows], labels, centres, site)
    sample = output.sites.coordinates[rows, 0].cpu().numpy()
    found = Detections.of(boxes, scores[rows, labels], labels)
    return [_suppressed(found.select(sample == i), config) for i in range(output.sites.batch_size)]


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
