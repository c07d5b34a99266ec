"""Speed of LiDAR detection on the CPU: published backbones, edge detector, spikes against ReLU.

Example: ``python -m benchmarks.lidar_detection --json -``. Input is the first scan of KITTI's
object set in ``SNN_ROS_DATA`` (default ``../shared/data``), or a drawn street. The rival, spconv,
is put into ``build/rivals`` at the first run; where that fails it is left out and that is said.

The published backbones have drawn weights, normalised on the scan so that they fire. The edge
detector has its shipped weights, its twin those of ``build/training/lidar_detection/relu``; where
there are none, drawn ones. Of each time the best of many is taken but where percentiles are named.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from benchmarks.lidar_backbones import backbone_figures
from benchmarks.lidar_edge import message_figures, scaling_figures, twin_figures
from benchmarks.output import json_target, publish
from benchmarks.sparse import cloud, whole_cloud


def measure(around: NDArray[np.float32], ahead: NDArray[np.float32]) -> dict[str, float]:
    """All figures by name.

    Args:
        around: (N, 4) whole scan.
        ahead: (M, 4) what of it the camera sees.
    """
    return {
        "load_average_before": os.getloadavg()[0],
        "points": len(around),
        "points_ahead": len(ahead),
        **backbone_figures(ahead),
        **message_figures(around),
        **twin_figures(around),
        **scaling_figures(),
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    around, name = whole_cloud()
    ahead, _ = cloud()
    publish("lidar_detection", name, measure(around, ahead), target)


if __name__ == "__main__":
    main()
