"""The published detector behind its one call."""

import numpy as np
import pytest
from support.lidar_networks import cloud, lively, small_detector

from snn_ros.configuration import ConfigurationError
from snn_ros.lidar_detection import DetectorConfig, LidarDetector
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.model import build
from snn_ros.lidar_detection.paper.blocks import Rectifying
from snn_ros.lidar_detection.paper.pipeline import PaperDetector, PaperDetectorConfig
from snn_ros.lidar_detection.weights import Manifest, save
from snn_ros.weight_files import WeightsError


@pytest.fixture(scope="module")
def network():
    return small_detector()


def test_boxes_are_those_of_the_network(network):
    points = cloud().numpy()
    before = points.copy()
    result = PaperDetector(network).detect(points)
    assert len(result.detections.boxes) > 0
    assert (result.detections.scores >= 0.3).all()
    assert set(result.detections.labels.tolist()) == {0}
    assert result.voxels > 100
    assert result.dropped.not_finite == 0
    assert result.stage_ms.keys() == {"voxels", "network"}
    assert result.activity is None
    np.testing.assert_array_equal(points, before)


def test_the_sensor_may_be_mounted_elsewhere(network):
    """The same world from a LiDAR 0.5 m higher: points and boxes are that much lower."""
    points = cloud().numpy()
    points[:, 2] = np.round(points[:, 2] * 64) / 64 + 1 / 256  # away from faces of voxels
    lower = points - np.array([0, 0, 0.5, 0], dtype=np.float32)
    config = PaperDetectorConfig(sensor_height=1.73 + 0.5)
    expected = PaperDetector(network).detect(points).detections.boxes
    found = PaperDetector(network, config).detect(lower).detections.boxes
    expected = expected - np.array([0, 0, 0.5, 0, 0, 0, 0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_points_that_are_none_are_counted_and_left_out(network):
    points = cloud().numpy()
    bad = np.array([[np.nan, 0, 0, 0], [1, np.inf, 0, 0], [99, 0, 0, 0]], dtype=np.float32)
    detector = PaperDetector(network)
    result = detector.detect(np.concatenate([points, bad]))
    assert (result.dropped.not_finite, result.dropped.out_of_range) == (2, 1)
    expected = detector.detect(points).detections.boxes
    np.testing.assert_array_equal(result.detections.boxes, expected)


def test_a_scan_without_points_has_no_boxes(network):
    result = PaperDetector(network).detect(np.zeros((0, 4), dtype=np.float32))
    assert (len(result.detections.boxes), result.voxels) == (0, 0)


def test_spikes_are_counted_on_request(network):
    detector = PaperDetector(network, PaperDetectorConfig(meter=True))
    activity = detector.detect(cloud().numpy()).activity
    assert len(activity.layers) == 51
    assert activity.synaptic_operations > 0


def test_wrong_settings_are_named(network):
    with pytest.raises(ConfigurationError, match="sensor_height"):
        PaperDetector(network, PaperDetectorConfig(sensor_height=-1.0))
    with pytest.raises(ConfigurationError, match="meter = True"):
        PaperDetector(small_detector(Rectifying()), PaperDetectorConfig(meter=True))


def weights_of(network, name, folder):
    path = folder / f"{name}.safetensors"
    save(path, network.state_dict(), Manifest("paper", name))
    return path


def test_both_profiles_are_had_from_one_class(tmp_path):
    network = lively(build("kitti_single_stage"))
    path = weights_of(network, "kitti_single_stage", tmp_path)
    points = cloud().numpy()
    config = DetectorConfig(sensor_height=1.6, decoding=DecodingConfig(score_threshold=0.1))
    detector = LidarDetector.from_config("paper", "cpu", path, config)
    found = detector.detect(points).detections
    alone = PaperDetector(network, PaperDetectorConfig(1.6, 0.1))
    expected = alone.detect(points).detections.touching(points)
    assert detector.is_spiking
    assert 0.1 <= found.scores.min() < 0.3
    np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_profiles_without_weights_say_how_to_get_some(tmp_path):
    with pytest.raises(WeightsError, match="none are shipped for paper; snn-ros import-weights"):
        LidarDetector.from_config("paper", "cpu")
    path = weights_of(build("modelnet40_T"), "modelnet40_T", tmp_path)
    with pytest.raises(WeightsError, match="of Classifier, must be of a detector of KITTI"):
        LidarDetector.from_config("paper", "cpu", path)
