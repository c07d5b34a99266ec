"""Boxes from what the `edge` head says: peaks of heat, then suppression of rotated boxes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import max_pool2d

from snn_ros.configuration import setting
from snn_ros.geometry.nms import rotated_nms
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import HeadOutput
from snn_ros.lidar_detection.edge_boxes import QUALITY, decode_boxes, site_centres


@dataclass(frozen=True)
class DecodingConfig:
    """Which boxes are kept.

    The score of a box is heat ** (1 - q) * overlap ** q: how much its site is a centre, and the
    overlap with the true box that the network expects, to the share ``quality``.
    """

    score_threshold: float = setting(0.3, "least score", minimum=0.0, maximum=1.0)
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
    rows, labels = (_peaks(output, heat) & (scores >= config.score_threshold)).nonzero().T
    centres = site_centres(output.sites.coordinates[rows], site, reach)
    boxes = decode_boxes(output.boxes[rows], centres, site)
    sample = output.sites.coordinates[rows, 0].cpu().numpy()
    found = Detections.of(boxes, scores[rows, labels], labels)
    return [_suppressed(found.select(sample == i), config) for i in range(output.sites.batch_size)]


def _peaks(output: HeadOutput, scores: Tensor) -> Tensor:
    """(V, classes) whether no neighbouring site has more heat."""
    sites = output.sites
    place = tuple(sites.coordinates.long().T)
    dense = scores.new_zeros(sites.batch_size, *sites.spatial_shape, scores.shape[1])
    dense[place] = scores
    highest = max_pool2d(dense.movedim(-1, 1), 3, stride=1, padding=1).movedim(1, -1)
    return scores >= highest[place]


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
