import numpy as np
import pytest
from support.place_routes import images, textures

from snn_ros.place_recognition import PlaceRecognizer, Preprocessing, RecognizerConfig
from snn_ros.place_recognition.backends import SadBackend
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.matching import UNKNOWN
from snn_ros.place_recognition.pipeline import PROFILES, ProfileError
from snn_ros.place_recognition.preprocessing import ImageError
from snn_ros.place_recognition.sequence import SequenceConfig
from snn_ros.place_recognition.weights import PlaceMap, Places, save_map

PLACES, SIDE = 20, 28
SINGLE = RecognizerConfig(SequenceConfig(length=1, slopes=(1.0,)))


@pytest.fixture(scope="module")
def route():
    scene = textures(PLACES, SIDE, 1)
    return [images(scene + 0.5 * textures(PLACES, SIDE, seed)) for seed in (2, 3)]


def taught(route, config=SINGLE, calibration=None):
    recognizer = PlaceRecognizer(SadBackend(), Preprocessing(), config, calibration)
    recognizer.teach(list(route[0]), np.arange(PLACES))
    return recognizer


def test_a_route_is_known_and_then_confirmed(route):
    recognizer = taught(route)
    matches = [recognizer.step(image, float(k)) for k, image in enumerate(route[1])]
    assert [match.place for match in matches] == list(range(PLACES))
    assert [match.status for match in matches[:3]] == ["tentative", "tentative", "confirmed"]
    assert [match.stamp for match in matches] == list(range(PLACES))


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_profiles_begin_with_nothing(profile, route):
    match = PlaceRecognizer.from_config(profile=profile).step(route[0][0], 0.0)
    assert (match.place, match.status, match.reason) == (UNKNOWN, "unknown", "no place is taught")


@pytest.mark.parametrize("profile", ["edge", "tempo"])
def test_a_profile_knows_a_route(profile, route):
    recognizer = PlaceRecognizer.from_config(profile=profile, config=SINGLE)
    recognizer.teach([*route[0], *route[0], *route[0]], np.tile(np.arange(PLACES), 3))
    found = [recognizer.step(image, 0.0).best for image in route[0]]
    assert (np.array(found) == np.arange(PLACES)).mean() >= 0.9


@pytest.mark.parametrize("level", [0, 255, 90])
def test_an_image_without_structure_is_no_place(route, level):
    match = taught(route).step(np.full((40, 60, 3), level, dtype=np.uint8), 1.0)
    assert (match.place, match.reason) == (UNKNOWN, "the image has no structure")


@pytest.mark.parametrize(("level", "text"), [(0, "black"), (255, "overexposed")])
def test_noise_on_a_black_or_overexposed_image_is_no_structure(route, level, text):
    noise = np.random.default_rng(0).integers(-4, 5, (40, 60))
    image = np.clip(level + noise, 0, 255).astype(np.uint8)
    assert taught(route).step(image, 1.0).reason == f"the image is {text}"


def test_a_frozen_camera_is_told_once_the_robot_moves(route):
    recognizer = taught(route)
    image = route[1][5]
    standing = [recognizer.step(image, 0.0, 3.0).place for _ in range(20)]
    assert standing == [5] * 20
    driving = [recognizer.step(image, 0.0, 3.0 + 0.5 * k) for k in range(6)]
    assert [match.place for match in driving] == [5, 5, 5, UNKNOWN, UNKNOWN, UNKNOWN]
    assert driving[-1].reason == "the image has not changed for 2.5 m"
    assert recognizer.step(route[1][6], 0.0, 6.0).place == 6


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_camera_mounted_the_wrong_way_round_is_told(route, quarters):
    match = taught(route).step(np.rot90(route[1][5], quarters), 0.0)
    assert match.place == UNKNOWN
    assert f"turned left by {360 - 90 * quarters} degrees it looks like place 5" in match.reason


def test_a_bayes_filter_instead_of_sequences(route):
    config = RecognizerConfig(SINGLE.sequence, filter="bayes")
    recognizer = taught(route, config)
    matches = [recognizer.step(image, 0.0) for image in route[1]]
    assert [match.best for match in matches[5:]] == list(range(5, PLACES))
    assert matches[0].place == UNKNOWN
    assert 0.9 < matches[-1].probability < 1.0


def test_every_answer_says_what_its_neurons_did(route):
    recognizer = PlaceRecognizer.from_config(profile="tempo", config=SINGLE)
    recognizer.teach(list(route[0]), np.arange(PLACES))
    activity = recognizer.spike_activity(recognizer.view(route[1][0]))
    (features,) = activity.layers
    assert features.neurons == 2 * SIDE**2
    assert features.spikes + features.silent == features.neurons
    assert 0.0 < features.firing_rate < 0.8
    assert activity.macs > features.spikes * PLACES


def test_the_edge_profile_states_its_spikes(route):
    recognizer = PlaceRecognizer.from_config(profile="edge", config=SINGLE)
    recognizer.teach(list(route[0]), np.arange(PLACES))
    activity = recognizer.spike_activity(recognizer.view(route[1][0]))
    (cells,) = activity.layers
    assert cells.neurons == 14 * 14 * (8 + 2 * 4)
    assert 0.1 < cells.firing_rate < 4.0
    assert 4 * cells.spikes * PLACES < activity.synaptic_operations <= 7 * cells.spikes * PLACES
    assert activity.macs == 56**2 * 7**2 * 2 * 8


def test_doubt_is_stated(route):
    unsure = Calibration(np.array([0.0, 100.0]), np.array([0.5, 0.5]))
    match = taught(route, calibration=unsure).step(route[1][4], 0.0)
    assert (match.place, match.best, match.probability) == (UNKNOWN, 4, 0.5)
    assert match.reason == "probability 0.50 is below 0.9"
    strict = RecognizerConfig(SINGLE.sequence, min_margin=50.0)
    assert "is below 50.0" in taught(route, strict).step(route[1][4], 0.0).reason


def test_wrong_images_and_profiles_are_named(route):
    with pytest.raises(ImageError, match=r"float64 \(28, 28\)"):
        taught(route).step(np.zeros((28, 28)), 0.0)
    with pytest.raises(ProfileError, match="'fast'"):
        PlaceRecognizer.from_config(profile="fast")
    with pytest.raises(ProfileError, match="'tpu'"):
        PlaceRecognizer.from_config(device="tpu")


def test_from_a_map(route, tmp_path):
    recognizer = taught(route)
    places = Places(*(np.zeros((PLACES, *shape)) for shape in ((7,), (6, 6), (), ())))
    path = tmp_path / "route.safetensors"
    calibration = Calibration(np.array([0.0, 9.0]), np.array([0.0, 1.0]))
    save_map(path, PlaceMap(recognizer.backend, recognizer.preprocessing, places, calibration))
    config = RecognizerConfig(SINGLE.sequence, min_probability=0.1)
    match = PlaceRecognizer.from_config(weights=path, config=config).step(route[1][7], 0.0)
    assert match.place == 7
    assert match.probability == pytest.approx(match.margin / 9)
