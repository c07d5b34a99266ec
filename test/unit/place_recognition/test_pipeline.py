import numpy as np
import pytest
from support.place_routes import images, textures

from snn_ros.place_recognition import PlaceRecognizer, Preprocessing, RecognizerConfig
from snn_ros.place_recognition.backends import SadBackend
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.pipeline import UNKNOWN, ProfileError
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


@pytest.mark.parametrize("profile", ["edge", "paper"])
def test_profiles_begin_with_nothing(profile, route):
    match = PlaceRecognizer.from_config(profile=profile).step(route[0][0], 0.0)
    assert (match.place, match.status, match.reason) == (UNKNOWN, "unknown", "no place is taught")


def test_edge_knows_a_route(route):
    recognizer = PlaceRecognizer.from_config(profile="edge", config=SINGLE)
    recognizer.teach([*route[0], *route[0], *route[0]], np.tile(np.arange(PLACES), 3))
    found = [recognizer.step(image, 0.0).best for image in route[0]]
    assert (np.array(found) == np.arange(PLACES)).mean() >= 0.9


@pytest.mark.parametrize("level", [0, 255, 90])
def test_an_image_without_structure_is_no_place(route, level):
    match = taught(route).step(np.full((40, 60, 3), level, dtype=np.uint8), 1.0)
    assert (match.place, match.reason) == (UNKNOWN, "the image has no structure")


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
    save_map(path, PlaceMap(recognizer.backend, recognizer.preprocessing, places))
    loaded = PlaceRecognizer.from_config(weights=path, config=SINGLE)
    assert loaded.step(route[1][7], 0.0).place == 7
