import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.place_recognition.matching import PlaceMatcher, RecognizerConfig
from snn_ros.place_recognition.odometer import Odometer
from snn_ros.place_recognition.relocalisation import SpreadConfig, located, relative_covariance
from snn_ros.place_recognition.sequence import SequenceConfig
from snn_ros.place_recognition.weights import Places

PLACES, SPACING = 50, 4.0
SPREAD = SpreadConfig(sideways=0.5, turned=0.05)
ROOM = np.eye(4)


def north():
    """Places along y, the robot facing along the route."""
    poses = np.zeros((PLACES, 7))
    poses[:, 1] = SPACING * np.arange(PLACES)
    poses[:, 3:] = Rotation.from_euler("z", 90, degrees=True).as_quat()
    way = poses[:, 1].copy()
    return Places(poses, np.zeros((PLACES, 6, 6)), way, way, "map")


def match_at(metre, random):
    scores = np.exp(-0.5 * ((SPACING * np.arange(PLACES) - metre) / SPACING) ** 2)
    matcher = PlaceMatcher(RecognizerConfig(SequenceConfig(1, SPACING, (1.0,))))
    return matcher.step(scores + 0.1 * random.standard_normal(PLACES), 0.0, 0.0)


def test_errors_are_what_the_covariance_says():
    """Mean of the squared errors in deviations, for a robot that is anywhere in the lane."""
    random, places = np.random.default_rng(0), north()
    squared = []
    for _ in range(300):
        metre, side = random.uniform(20, 180), random.normal(0, SPREAD.sideways)
        found = located(match_at(metre, random), places, 2, SPREAD)
        error = found.pose[:2] - [side, metre]
        squared.append(error @ np.linalg.solve(found.covariance[:2, :2], error))
    assert 0.5 < np.mean(squared) / 2 < 1.2


def test_most_of_the_doubt_is_along_the_route():
    covariance = located(match_at(100.0, np.random.default_rng(1)), north(), 2, SPREAD).covariance
    assert covariance[1, 1] > 4 * covariance[0, 0]
    assert covariance[5, 5] == pytest.approx(SPREAD.turned**2)
    np.linalg.cholesky(covariance)
    along_x = relative_covariance(north(), 20, SPREAD)  # the robot's own x is ahead
    assert along_x[0, 0] == pytest.approx(SPREAD.sideways**2 + SPACING**2 / 12)
    assert along_x[1, 1] == pytest.approx(SPREAD.sideways**2)


def test_covariance_of_the_map_is_added():
    places = north()
    doubtful = Places(
        places.poses, places.covariances + 9 * np.eye(6), *list(vars(places).values())[2:]
    )
    match = match_at(100.0, np.random.default_rng(1))
    difference = (
        located(match, doubtful, 2, SPREAD).covariance
        - located(match, places, 2, SPREAD).covariance
    )
    np.testing.assert_allclose(difference, 9 * np.eye(6))


@pytest.mark.parametrize(("slope", "expected"), [(1.0, 83.0), (-1.0, 77.0)])
def test_the_way_since_the_place_was_passed_counts(slope, expected):
    matcher = PlaceMatcher(RecognizerConfig(SequenceConfig(1, SPACING, (slope,))))
    scores = np.eye(PLACES)[20]
    matcher.step(scores, 0.0, 0.0)
    match = matcher.step(scores, 0.0, 3.0)
    assert located(match, north(), 2, SPREAD).pose[1] == pytest.approx(expected)


def poses(metres):
    return [rigid_transform([metre, 0, 0], [0, 0, 0, 1]) for metre in metres]


def test_way_is_the_length_of_the_path_and_trembling_is_none():
    odometer = Odometer(fastest=10.0)
    random = np.random.default_rng(0)
    there_and_back = np.concatenate([np.linspace(0, 8, 81), np.linspace(8, 0, 81)])
    for k, pose in enumerate(poses(there_and_back)):
        position = odometer.add(0.1 * k, pose, ROOM, "odom")
    assert position.travelled == pytest.approx(16.0, abs=0.2)
    for k in range(500):
        pose = rigid_transform(random.normal(0, 0.005, 3), [0, 0, 0, 1])
        position = odometer.add(20 + 0.1 * k, pose, ROOM, "odom")
    assert position.travelled == pytest.approx(16.0, abs=0.3)
    assert position.jumps == 0


def test_a_pose_that_jumps_is_no_way():
    odometer = Odometer(fastest=10.0)
    for stamp, metre in ((0.0, 0.0), (0.1, 0.5), (0.2, 60.0), (0.3, 60.5)):
        position = odometer.add(stamp, *poses([metre]), ROOM, "odom")
    assert (position.jumps, position.travelled) == (1, 1.0)
    assert odometer.add(0.0, *poses([60.5]), ROOM, "odom").jumps == 2
