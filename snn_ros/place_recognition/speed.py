"""How fast places are recognised and taught, from the camera's image to a score for every place.

What a network has learnt does not change its speed, so networks of any size are made up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from snn_ros.place_recognition.backend import Backend
from snn_ros.place_recognition.backends import (
    DcBackend,
    DcBackendConfig,
    TempoBackend,
    arrays_of_tempo,
)
from snn_ros.place_recognition.dc import DcConfig, DcModule, deal
from snn_ros.place_recognition.dc_network import COLUMN_SUM
from snn_ros.place_recognition.gabor import GaborBackend
from snn_ros.place_recognition.pipeline import PROFILES
from snn_ros.place_recognition.preprocessing import Bytes, Preprocessing
from snn_ros.place_recognition.tempo import Rules, TempoConfig, first_module

SIZES = (300, 3_300, 30_000)
"""Places of a route; the networks of several layers stop at the second."""

_IMAGE = (480, 640, 3)
_WARM_UP, _FRAMES, _SLOW_FRAMES = 5, 200, 15
_TAUGHT_THETA = 38.0  # mV, the mean of taught cells
_TAUGHT = 300  # places


def measure() -> dict[str, float]:
    """Times in ms of one frame, queries per second, times of teaching in s, sizes in bytes."""
    image = np.random.default_rng(0).integers(0, 256, _IMAGE, dtype=np.uint8)
    figures: dict[str, float] = {}
    for name in ("edge", "tempo", "paper"):
        figures |= _times(f"preprocessing_{name}", partial(PROFILES[name][1], image))
    for places in SIZES:
        figures |= _frame("edge", made_up_edge(places), places, image)
        if places <= SIZES[1]:
            figures |= tempo_speed(places, image)
    return figures | dc_scaling() | teaching_times()


def tempo_speed(places: int, image: Bytes) -> dict[str, float]:
    """Of both rule sets, and of the merged one layer by layer, as it was published."""
    figures: dict[str, float] = {}
    merged = made_up_tempo(places, "merged")
    for name, backend in (("merged", merged), ("separate", made_up_tempo(places, "separate"))):
        figures |= _frame(f"tempo_{name}", backend, places, image)
    spikes = PROFILES["tempo"][1](image).ravel() / np.float32(255)

    def unfused() -> None:
        for module in merged.modules:
            module.score(spikes, clamped=False)

    figures |= _times(f"tempo_unfused_forward_{places}", unfused)
    picture = PROFILES["tempo"][1](image)
    figures |= _times(f"tempo_fused_forward_{places}", partial(merged.score, picture))
    fused_ms, unfused_ms = (
        figures[f"tempo_{name}_forward_{places}_cpu_ms"] for name in ("fused", "unfused")
    )
    return figures | {f"tempo_unfused_over_fused_{places}": unfused_ms / fused_ms}


def dc_scaling() -> dict[str, float]:
    """Of the published spiking ensemble, where the pictures suggest the modules that are asked.

    Every image is another one, so that other modules are asked.
    """
    random = np.random.default_rng(0)
    preprocessing = PROFILES["paper"][1]
    figures: dict[str, float] = {}
    for places in SIZES:
        backend, name = made_up_dc(places), f"paper_prefiltered_{places}"

        def work(backend: Backend = backend) -> None:
            backend.score(preprocessing(random.integers(0, 256, _IMAGE, dtype=np.uint8)))

        figures |= _times(name, work, _SLOW_FRAMES) | _size(name, backend, places)
        figures[f"{name}_queries_per_s"] = 1e3 / figures[f"{name}_ms"]
    longest, shortest = (figures[f"paper_prefiltered_{n}_cpu_ms"] for n in (SIZES[-1], SIZES[0]))
    return figures | {"paper_prefiltered_cost_of_100_times_the_places": longest / shortest}


def teaching_times() -> dict[str, float]:
    """Seconds to teach a route of made-up pictures once."""
    random = np.random.default_rng(1)
    labels = np.arange(_TAUGHT)
    figures = {}
    for name in ("edge", "tempo"):
        make, preprocessing = PROFILES[name]
        side = preprocessing.side
        pictures = random.integers(0, 256, (_TAUGHT, side, side), dtype=np.uint8)
        make().learn(pictures[:2], labels[:2])  # compiles
        began = time.perf_counter()
        make().learn(pictures, labels)
        figures[f"{name}_teaching_{_TAUGHT}_s"] = time.perf_counter() - began
    return figures


def made_up_edge(places: int) -> GaborBackend:
    """The default back end with so many places of random counts."""
    backend = GaborBackend()
    preprocessing: Preprocessing = PROFILES["edge"][1]
    picture = np.zeros((preprocessing.side, preprocessing.side), dtype=np.uint8)
    shape = backend.config.cells.counts(picture).shape
    highest = backend.config.cells.max_count + 1
    random = np.random.default_rng(2)
    backend.restore(
        {
            "templates": random.integers(0, 256, (places, *picture.shape), dtype=np.uint8),
            "memory/patterns": random.integers(0, highest, (places, *shape), dtype=np.uint8),
            "memory/places": np.arange(places),
        }
    )
    return backend


def made_up_dc(places: int) -> DcBackend:
    """The spiking ensemble with so many places, of which each member asks one module of 25.

    All modules share their weights, as long a route would not fit into memory as a made-up one.
    """
    network = DcConfig(members=5, query_delays=False)
    backend = DcBackend(DcBackendConfig(network, prefilter=1))
    side, random = PROFILES["paper"][1].side, np.random.default_rng(4)
    weights = random.random((side**2, network.cells))
    weights *= COLUMN_SUM / weights.sum(axis=0)
    size = network.places_per_module
    alike = DcModule(
        places=np.arange(size),
        weights=weights.astype(np.float16),
        delays=np.zeros(weights.shape, dtype=np.uint8),
        theta=np.full(network.cells, _TAUGHT_THETA),
        spikes=random.integers(0, 2, (network.cells, size)),
        activity=np.zeros(network.cells, dtype=np.int64),
        member=0,
    )
    modules = [
        replace(alike, places=dealt, spikes=alike.spikes[:, : len(dealt)], member=member)
        for member, dealt in deal(places, network)
    ]
    backend.pictures.restore(
        {"templates": random.integers(0, 256, (places, side, side), dtype=np.uint8)}
    )
    backend.adopt(modules)
    return backend


def made_up_tempo(places: int, rules: Rules) -> TempoBackend:
    """The fast network with so many places, untaught."""
    backend = TempoBackend(TempoConfig(rules=rules))
    side = PROFILES["tempo"][1].side
    random = np.random.default_rng(3)
    sizes = [
        min(backend.module_size, places - first) for first in range(0, places, backend.module_size)
    ]
    modules = [first_module(side**2, size, rules, random) for size in sizes]
    templates = {"templates": np.zeros((places, side, side), dtype=np.uint8)}
    backend.restore(templates | arrays_of_tempo(modules))
    return backend


def _frame(name: str, backend: Backend, places: int, image: Bytes) -> dict[str, float]:
    """Image to scores, and what the map holds of the places."""
    preprocessing = PROFILES[name.partition("_")[0]][1]
    figures = _times(f"{name}_{places}", lambda: backend.score(preprocessing(image)))
    figures[f"{name}_{places}_queries_per_s"] = 1e3 / figures[f"{name}_{places}_ms"]
    return figures | _size(f"{name}_{places}", backend, places)


def _size(name: str, backend: Backend, places: int) -> dict[str, float]:
    """What a map file holds, and its share for a place."""
    size = sum(array.nbytes for array in backend.arrays().values())
    return {f"{name}_bytes": float(size), f"{name}_bytes_per_place": size / places}


def _times(name: str, work: Callable[[], object], frames: int = _FRAMES) -> dict[str, float]:
    """Median of a call in ms, of wall time and of processor time, which a busy machine spares."""
    for _ in range(_WARM_UP):
        work()
    durations = np.empty((frames, 2))
    for k in range(frames):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        durations[k] = time.perf_counter() - wall, time.process_time() - processor
    wall_ms, processor_ms = 1e3 * np.median(durations, axis=0)
    return {f"{name}_ms": float(wall_ms), f"{name}_cpu_ms": float(processor_ms)}
