"""Levels of occlusion."""

import numpy as np

from snn_ros.simulation.street.kitti import occlusion_levels


def test_occlusion_levels() -> None:
    share = np.array([1.0, 0.8, 0.79, 0.5, 0.49, 0.01, 0.0, np.nan])
    np.testing.assert_array_equal(occlusion_levels(share), [0, 0, 1, 1, 2, 2, 3, 3])
