"""Boxes from what the `edge` head says: peaks of heat, then suppression of rotated boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from snn_ros.configuration import setting
from snn_ros.geometry.nms import rotated_nms
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import HeadOutput

_LARGEST_LOG_SIZE = 3.5  # 33 m; a runaway size would be no box at all


@dataclass(frozen=True)
class DecodingConfig:
    """Which boxes are kept."""

    score_threshold: float = setting(0.3, "least score", minimum=0.0, maximum=1.0)
    overlap_threshold: float = setting(
        0.2, "BEV overlap with a better box of the class from which on a box is dropped",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
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
    scores = output.heat.sigmoid()
    rows, labels = (_peaks(output, scores) & (scores >= config.score_threshold)).nonzero().T
    boxes = _boxes(output.boxes[rows], output.sites.coordinates[rows], site, reach)
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


def _boxes(code: Tensor, coordinates: Tensor, site: float, reach: float) -> Tensor:
    code = code.double()
    centre = (coordinates[:, [2, 1]] + 0.5 + code[:, :2]) * site - reach
    sizes = code[:, 3:6].clamp(-_LARGEST_LOG_SIZE, _LARGEST_LOG_SIZE).exp()
    yaw = torch.atan2(code[:, 6], code[:, 7])
    return torch.cat([centre, code[:, 2:3], sizes, yaw[:, None]], dim=1)


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
