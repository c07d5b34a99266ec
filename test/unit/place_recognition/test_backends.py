import subprocess
import sys
from copy import copy

import numpy as np
import pytest
from support.place_routes import traverses

from snn_ros.place_recognition.backends import DcBackend, DcBackendConfig, SadBackend, TempoBackend
from snn_ros.place_recognition.dc import DcConfig
from snn_ros.place_recognition.gabor import GaborBackend, GaborConfig
from snn_ros.place_recognition.preprocessing import Preprocessing
from snn_ros.place_recognition.tempo import TempoConfig
from snn_ros.place_recognition.weights import (
    MapError,
    PlaceMap,
    Places,
    digest_at,
    load_map,
    save_map,
)

PLACES, SIDE = 10, 14
PREPROCESSING = Preprocessing(side=SIDE)
SMALL = DcConfig(cells=40, places_per_module=4, epochs=6, counted_epochs=2)
BACKENDS = {
    "sad": SadBackend,
    "gabor": lambda: GaborBackend(GaborConfig(reach=1)),
    "tempo": lambda: TempoBackend(TempoConfig(places_per_module=4, epochs=60)),
    "dc": lambda: DcBackend(DcBackendConfig(SMALL)),
    "ensemble": lambda: DcBackend(DcBackendConfig(DcConfig(**{**vars(SMALL), "members": 2}))),
}


@pytest.fixture(scope="module")
def route():
    return traverses(PLACES, SIDE)


@pytest.fixture(scope="module")
def taught(route):
    backends = {name: make() for name, make in BACKENDS.items()}
    for backend in backends.values():
        backend.learn(route[0], np.arange(PLACES))
    return backends


def scores(backend, pictures):
    return np.stack([backend.score(picture) for picture in pictures], axis=1)


def recall(matrix):
    return (matrix.argmax(axis=0) == np.arange(matrix.shape[1])).mean()


def place_map(backend):
    n = len(backend)
    places = Places(np.ones((n, 7)), np.ones((n, 6, 6)), np.arange(float(n)), np.arange(float(n)))
    return PlaceMap(backend, PREPROCESSING, places)


@pytest.mark.parametrize("name", BACKENDS)
def test_knows_the_route(taught, route, name):
    matrix = scores(taught[name], route[0])
    assert matrix.shape == (PLACES, PLACES)
    assert matrix.dtype == np.float32
    assert recall(matrix) >= 0.7
    assert recall(scores(taught[name], route[1])) >= 0.5


@pytest.mark.parametrize("name", BACKENDS)
def test_same_seed_same_bytes(taught, route, name):
    again = BACKENDS[name]()
    again.learn(route[0], np.arange(PLACES))
    picture = route[1][3]
    assert again.score(picture).tobytes() == taught[name].score(picture).tobytes()
    assert again.score(picture).tobytes() == again.score(picture).tobytes()


@pytest.mark.parametrize("name", BACKENDS)
def test_saved_and_loaded(taught, route, name, tmp_path):
    path = tmp_path / "route.safetensors"
    save_map(path, place_map(taught[name]))
    loaded = load_map(path, PREPROCESSING, taught[name].name, taught[name].settings())
    assert scores(loaded.backend, route[1]).tobytes() == scores(taught[name], route[1]).tobytes()
    np.testing.assert_array_equal(loaded.places.stamps, np.arange(PLACES))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_added_place_is_as_if_it_had_been_there_from_the_start(taught, route):
    backend = BACKENDS["gabor"]()
    for number, picture in enumerate(route[0]):
        before = copy(backend)
        assert backend.add_place(picture) == number
        assert len(before) == before.sealed == number
    assert backend.sealed == len(backend) == PLACES
    expected = scores(taught["gabor"], route[1])
    assert scores(backend, route[1]).tobytes() == expected.tobytes()


def test_the_merged_rules_ask_one_int8_matrix_per_module(route):
    backend = TempoBackend(TempoConfig("merged", places_per_module=4))
    backend.learn(route[0], np.arange(PLACES))
    for picture in route[1]:
        spikes = picture.ravel() / np.float32(255)
        layers = np.concatenate([m.score(spikes, clamped=False) for m in backend.modules])
        np.testing.assert_allclose(backend.score(picture), layers, atol=0.02 * np.ptp(layers))
    restored = TempoBackend(backend.config)
    restored.restore(backend.arrays())
    assert scores(restored, route[1]).tobytes() == scores(backend, route[1]).tobytes()


@pytest.mark.parametrize("name", ["tempo", "dc"])
def test_an_added_place_is_known_at_once_and_sealing_leaves_the_old_modules(route, name):
    backend = BACKENDS[name]()
    backend.learn(route[0][:8], np.arange(8))
    before = backend.arrays()
    assert backend.add_place(route[0][8]) == 8
    assert backend.add_place(route[0][9]) == 9
    assert backend.score(route[0][8]).argmax() == 8
    backend.seal()
    assert backend.sealed == len(backend) == PLACES
    assert backend.score(route[0][9]).argmax() == 9
    after = backend.arrays()
    for array in before.keys() - {"templates"}:
        np.testing.assert_array_equal(after[array], before[array], array)


def test_the_prefilter_asks_the_modules_of_similar_pictures(taught, route):
    backend = DcBackend(DcBackendConfig(SMALL, prefilter=1))
    backend.restore(taught["dc"].arrays())
    for place, picture in enumerate(route[0]):
        answered = backend.score(picture).nonzero()[0]
        assert set(answered) <= {p for p in range(PLACES) if p // 4 == place // 4}


@pytest.mark.parametrize("prefilter", [1, 2, 9])
def test_modules_that_the_prefilter_leaves_score_as_without_it(taught, route, prefilter):
    everything = taught["ensemble"]
    backend = DcBackend(DcBackendConfig(everything.config.network, prefilter=prefilter))
    backend.restore(everything.arrays())
    modules, members = backend.reader.modules, everything.config.network.members
    for picture in route[1]:
        asked = backend.reader.most_similar(backend.similarity(picture), prefilter)
        assert len(asked) == min(prefilter * members, len(modules))
        np.testing.assert_array_equal(
            backend.reader.counts(picture, asked), everything.reader.counts(picture)[asked]
        )


@pytest.mark.parametrize("name", ["tempo", "dc"])
def test_a_map_with_open_places_is_the_same_after_loading(route, name, tmp_path):
    backend = BACKENDS[name]()
    backend.learn(route[0][:8], np.arange(8))
    backend.add_place(route[0][8])
    save_map(tmp_path / "route.safetensors", place_map(backend))
    loaded = load_map(tmp_path / "route.safetensors").backend
    assert loaded.sealed == 8
    assert scores(loaded, route[1]).tobytes() == scores(backend, route[1]).tobytes()


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"preprocessing": Preprocessing(side=28)}, "preprocessing is .*14.*, not .*28"),
        ({"backend": "tempo"}, "backend is 'dc', not 'tempo'"),
        ({"settings": {"prefilter": 3}}, "settings is .*, not {'prefilter': 3}"),
    ],
)
def test_a_map_of_other_settings_is_refused(taught, tmp_path, wanted, text):
    path = tmp_path / "route.safetensors"
    save_map(path, place_map(taught["dc"]))
    with pytest.raises(MapError, match=text):
        load_map(path, **wanted)


def test_a_changed_or_cut_map_is_refused(taught, tmp_path):
    path = tmp_path / "route.safetensors"
    save_map(path, place_map(taught["sad"]))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(MapError, match="sha256"):
        load_map(path)
    path.write_bytes(data[:-10])
    with pytest.raises(MapError, match="not a map"):
        load_map(path)
    with pytest.raises(MapError, match="absent"):
        load_map(tmp_path / "absent.safetensors")


def test_a_failed_write_leaves_the_old_map(taught, tmp_path, monkeypatch):
    path = tmp_path / "route.safetensors"
    save_map(path, place_map(taught["sad"]))
    old = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("snn_ros.place_recognition.weights.save_file", full)
    with pytest.raises(MapError, match="No space left"):
        save_map(path, place_map(taught["tempo"]))
    assert path.read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 1


def test_of_two_teachers_the_second_does_not_overwrite_the_first(taught, tmp_path):
    path = tmp_path / "route.safetensors"
    first = save_map(path, place_map(taught["sad"]), over=None)
    with pytest.raises(MapError, match="not the one to go on with"):
        save_map(path, place_map(taught["tempo"]), over=None)
    assert load_map(path).backend.name == "sad"
    second = save_map(path, place_map(taught["tempo"]), over=first)
    with pytest.raises(MapError, match="not the one to go on with"):
        save_map(path, place_map(taught["sad"]), over=first)
    assert digest_at(path) == second
    assert len(list(tmp_path.iterdir())) == 1


FULL_DISK = """
import resource, sys
from pathlib import Path
from snn_ros.place_recognition.weights import MapError, load_map, save_map
path = Path(sys.argv[1])
content = load_map(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
try:
    save_map(path, content)
except MapError as err:
    print(err)
"""


def test_a_disk_without_room_leaves_the_old_map(taught, tmp_path):
    """A limit of the size of files refuses in the middle of the write, as a full disk does."""
    path = tmp_path / "route.safetensors"
    save_map(path, place_map(taught["tempo"]))
    before = path.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert f"{path}: cannot be written" in ended.stdout
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
