import threading
import time
from copy import copy

import numpy as np
import pytest
from support.place_routes import traverses

from snn_ros.place_recognition.backends import (
    DcBackend,
    DcBackendConfig,
    SadBackend,
    TempoBackend,
)
from snn_ros.place_recognition.dc import DcConfig
from snn_ros.place_recognition.teaching_process import ProcessTeacher, TeachingError
from snn_ros.place_recognition.tempo import TempoConfig

PLACES, SIDE = 9, 14
SMALL = DcConfig(cells=40, places_per_module=4, epochs=4, counted_epochs=2)
BACKENDS = {
    "tempo": lambda: TempoBackend(TempoConfig(places_per_module=4)),
    "dc": lambda: DcBackend(DcBackendConfig(SMALL)),
}


@pytest.fixture(scope="module")
def pictures():
    return traverses(PLACES, SIDE, amount=1)[0]


def half_taught(name, pictures):
    backend = BACKENDS[name]()
    backend.learn(pictures[:4], np.arange(4))
    for picture in pictures[4:]:
        backend.add_place(picture)
    return backend


@pytest.mark.parametrize("name", BACKENDS)
def test_the_process_teaches_what_this_one_would(name, pictures):
    here, apart = (half_taught(name, pictures) for _ in range(2))
    here.seal()
    apart.seal(ProcessTeacher())
    expected, found = here.arrays(), apart.arrays()
    assert expected.keys() == found.keys()
    for array in expected:
        np.testing.assert_array_equal(found[array], expected[array], array)


@pytest.mark.parametrize("name", [*BACKENDS, "sad"])
def test_a_copy_knows_the_same_and_goes_its_own_way(name, pictures):
    backend = SadBackend() if name == "sad" else half_taught(name, pictures)
    if name == "sad":
        backend.learn(pictures, np.arange(PLACES))
    other = copy(backend)
    assert other.score(pictures[2]).tobytes() == backend.score(pictures[2]).tobytes()
    other.add_place(pictures[0])
    other.seal()
    assert (len(backend), len(other)) == (PLACES, PLACES + 1)
    assert name == "sad" or backend.sealed == 4


def test_a_stopped_process_leaves_the_places_open(pictures):
    backend = BACKENDS["dc"]()
    for picture in pictures:
        backend.add_place(picture)
    teacher = ProcessTeacher()

    def stop():
        while teacher._process is None:
            time.sleep(0.01)
        teacher.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(TeachingError, match="ended with -9"):
        backend.seal(teacher)
    stopper.join()
    assert (backend.sealed, len(backend)) == (0, PLACES)
    assert backend.score(pictures[3]).argmax() == 3


def test_a_lesson_that_fails_is_told(pictures):
    backend = TempoBackend(TempoConfig(epochs=0))
    backend.add_place(pictures[0])
    with pytest.raises(TeachingError, match="ended with 1: .*Error"):
        backend.seal(ProcessTeacher())
    assert backend.sealed == 0
