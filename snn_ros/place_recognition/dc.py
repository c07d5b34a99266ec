"""Places learnt by competing spiking cells: modules of few places, ensembles of such.

A module knows some 25 places and nothing else, so modules learn independently and a route of any
length is many modules. An ensemble is several such sets; each deals the places to its modules in
another order, and the scores are summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.assignment import (
    Assignment,
    Scheme,
    assign,
    hyperactivity,
    without_hyperactive,
)
from snn_ros.place_recognition.dc_kernel import Timing
from snn_ros.place_recognition.dc_network import (
    DcNetworks,
    Presentation,
    build_networks,
    side_by_side,
)
from snn_ros.place_recognition.input_spikes import InputSpikes, poisson_spikes, stream
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.spiking.activity import LayerActivity, NetworkActivity

_LONGEST_DELAY = 10.0  # ms
_FIRST_WEIGHT, _SMALLEST_WEIGHT = 0.3, 0.01
_ALL_MODULES = -1  # input that every module hears
_MOST_BUILT = 64  # modules whose networks wait for the next query, 3 MB each at 400 cells
_QUERY = 0  # every query is presentation 0: the same picture always gets the same spikes

Ints = NDArray[np.int32]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class DcConfig:
    """Sizes and protocol.

    Attributes:
        cells: excitatory cells of a module, and as many inhibitory ones.
        places_per_module: that share the cells.
        members: of the ensemble.
        epochs: presentations of every image in teaching.
        counted_epochs: the last of them decide what a cell stands for.
        stimulus: of a presentation in ms.
        rest: after it, in teaching, in ms.
        first_rest: before the first image in ms.
        timing: of the cells in teaching.
        query_dt: step at a query in ms.
        query_delays: whether a query keeps the delays.
        scheme: of the scores.
        hyperactive_share: of the taught images; cells that answer to so many are silenced. 0: none.
        seed: of everything random.
    """

    cells: int = 400
    places_per_module: int = 25
    members: int = 1
    epochs: int = 30
    counted_epochs: int = 5
    stimulus: float = 350.0
    rest: float = 150.0
    first_rest: float = 500.0
    timing: Timing = Timing()  # noqa: RUF009  # a named tuple: as immutable as a number
    query_dt: float = 0.1
    query_delays: bool = True
    scheme: Scheme = "standard"
    hyperactive_share: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class DcModule:
    """A taught module.

    Attributes:
        places: (P,) which places of the route it knows.
        weights: (lines, cells) float16.
        delays: (lines, cells) uint8 in steps of teaching.
        theta: (cells,) mV.
        spikes: (cells, P) in the counted epochs.
        activity: (cells,) images of the route that a cell answered to.
        member: of the ensemble.
    """

    places: NDArray[np.int64]
    weights: NDArray[np.float16]
    delays: NDArray[np.uint8]
    theta: NDArray[np.float64]
    spikes: NDArray[np.int64]
    activity: NDArray[np.int64]
    member: int


def deal(places: int, config: DcConfig) -> list[tuple[int, NDArray[np.int64]]]:
    """Which member's modules know which places.

    A single member keeps the order of the route; several members shuffle, each in its own way.

    Returns:
        (member, places) of every module.
    """
    dealt = []
    for member in range(config.members):
        order = np.arange(places)
        if config.members > 1:
            order = stream(config.seed + member, _ALL_MODULES, "places", 0).permutation(places)
        cuts = np.arange(config.places_per_module, places, config.places_per_module)
        dealt += [(member, block) for block in np.split(order, cuts)]
    return dealt


def learn_modules(pictures: Bytes, labels: NDArray[np.int64], config: DcConfig) -> list[DcModule]:
    """Teach a route.

    Args:
        pictures: (N, side, side) of all traverses, traverse after traverse.
        labels: (N,) place of each, 0..P-1.
        config: sizes and protocol.
    """
    dealt = deal(int(labels.max()) + 1, config)
    shown = [np.flatnonzero(np.isin(labels, places)) for _, places in dealt]
    modules: list[DcModule] = [None] * len(dealt)  # type: ignore[list-item]
    for amount in sorted({len(images) for images in shown}):  # equal ones run side by side
        alike = [m for m, images in enumerate(shown) if len(images) == amount]
        taught = _learn_alike(pictures, labels, [(m, *dealt[m], shown[m]) for m in alike], config)
        for m, module in zip(alike, taught, strict=True):
            modules[m] = module
    return modules


def _learn_alike(
    pictures: Bytes,
    labels: NDArray[np.int64],
    tasks: Sequence[tuple[int, int, NDArray[np.int64], NDArray[np.int64]]],
    config: DcConfig,
) -> list[DcModule]:
    """Teach modules of equally many images; a task is (module, member, places, images)."""
    lines = pictures[0].size
    keys = [(config.seed + member, module) for module, member, _, _ in tasks]
    delays = np.stack([_delays(lines, config, *key) for key in keys])
    weights = np.stack([_first_weights(lines, config.cells, *key) for key in keys])
    networks = build_networks(weights, delays, timing=config.timing)
    dt, stimulus = config.timing.dt, _steps(config.stimulus, config)
    steps = stimulus + _steps(config.rest, config)
    silence = np.zeros(_steps(config.first_rest, config) + 1, dtype=np.int32)
    networks.present([InputSpikes(np.zeros(0, dtype=np.uint16), silence)], learns=True)
    images = np.stack([images for *_, images in tasks], axis=1)
    counts = np.empty((config.epochs, *images.shape, config.cells), dtype=np.uint8)
    for epoch in range(config.epochs):
        for k, shown in enumerate(images):
            presentation = epoch * len(images) + k
            inputs = [
                poisson_spikes(
                    pictures[image], stimulus, steps, dt, stream(*key, "teaching", presentation)
                )
                for image, key in zip(shown, keys, strict=True)
            ]
            networks.normalise()
            counts[epoch, k] = networks.present(inputs, True, stimulus).counts
    counted = counts[-config.counted_epochs :]
    taught_weights = networks.weights().astype(np.float16)
    modules = []
    for m, (_, member, places, shown) in enumerate(tasks):
        own_label = np.tile(_position(places, labels[shown]), len(counted))
        assignment = assign(counted[:, :, m].reshape(-1, config.cells), own_label, len(places))
        modules.append(
            DcModule(
                places,
                taught_weights[m],
                delays[m],
                networks.theta[m].copy(),
                assignment.spikes.astype(np.int64),
                np.zeros(config.cells, dtype=np.int64),
                member,
            )
        )
    return modules


def _position(places: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(places)
    return order[np.searchsorted(places, labels, sorter=order)]


def _steps(milliseconds: float, config: DcConfig) -> int:
    return round(milliseconds / config.timing.dt)


def _delays(lines: int, config: DcConfig, seed: int, module: int) -> NDArray[np.uint8]:
    random = stream(seed, module, "delays", 0)
    longest = _LONGEST_DELAY / config.timing.dt
    return np.rint(random.uniform(0, longest, (lines, config.cells))).astype(np.uint8)


def _first_weights(lines: int, cells: int, seed: int, module: int) -> NDArray[np.float32]:
    random = stream(seed, module, "weights", 0)
    weights = _FIRST_WEIGHT * (random.random((lines, cells)) + _SMALLEST_WEIGHT)
    return weights.astype(np.float32)


class DcReader:
    """Asks taught modules about pictures."""

    def __init__(self, modules: Sequence[DcModule], places: int, config: DcConfig) -> None:
        """Load the modules.

        Args:
            modules: taught.
            places: of the route.
            config: they were taught with.
        """
        self.modules = list(modules)
        self.places = places
        self.config = config
        self.members = np.array([module.member for module in self.modules])
        self._places = np.concatenate([module.places for module in self.modules])
        sizes = [len(module.places) for module in self.modules]
        self._first_place = np.cumsum([0, *sizes[:-1]])
        self._built: dict[int, DcNetworks] = {}  # the one asked last at the end
        self._assignments: dict[int, Assignment] = {}

    def counts(self, picture: Bytes, selected: NDArray[np.int64] | None = None) -> Ints:
        """(K, cells) spikes of every cell, from rest; the same picture always gives the same.

        Args:
            picture: (side, side).
            selected: (K,) modules that are asked; all if None.
        """
        return self._presented(picture, selected)[1].counts

    def most_similar(self, similarity: Floats, amount: int) -> NDArray[np.int64]:
        """(members * amount,) the modules whose best picture is the most similar.

        Args:
            similarity: (places,) of a picture to those of the places.
            amount: of modules of each member; fewer where a member has fewer.
        """
        best = np.maximum.reduceat(similarity[self._places], self._first_place)
        rank = np.lexsort((-best, self.members))
        asked = [rank[self.members[rank] == m][:amount] for m in np.unique(self.members)]
        return np.concatenate(asked)

    @cached_property
    def _all_networks(self) -> DcNetworks:
        return _query_networks(self.modules, self.config)

    def _networks(self, selected: NDArray[np.int64] | None) -> DcNetworks:
        """Of the modules that are asked; a long route has more modules than fit into memory."""
        if selected is None:
            return self._all_networks
        asked = []
        for m in selected.tolist():
            built = self._built.pop(m, None) or _query_networks([self.modules[m]], self.config)
            self._built[m] = built
            asked.append(built)
        while len(self._built) > max(_MOST_BUILT, len(selected)):
            del self._built[next(iter(self._built))]
        return side_by_side(asked)

    def _presented(
        self, picture: Bytes, selected: NDArray[np.int64] | None
    ) -> tuple[InputSpikes, Presentation]:
        """What the modules that are asked do, in the order in which they are given."""
        config = self.config
        steps = round(config.stimulus / config.query_dt)
        random = stream(config.seed, _ALL_MODULES, "query", _QUERY)
        spikes = poisson_spikes(picture, steps, steps, config.query_dt, random)
        networks = self._networks(selected)
        networks.settle()
        return spikes, networks.present([spikes])

    def activity(
        self, picture: Bytes, selected: NDArray[np.int64] | None = None
    ) -> NetworkActivity:
        """What the cells of the modules that are asked do; inhibition reaches all other cells."""
        inputs, seen = self._presented(picture, selected)
        counts = seen.counts
        cells, steps = counts.size, inputs.first_event.size - 1
        excitatory = int(counts.sum())
        inhibitory = int(seen.spikes.sum()) - excitatory
        silent = int((counts == 0).sum())
        layer = LayerActivity("excitatory", cells, cells * steps, excitatory, silent, excitatory)
        operations = len(inputs.lines) * cells + excitatory + inhibitory * (counts.shape[1] - 1)
        return NetworkActivity((layer,), operations, 0)

    def score(
        self, picture: Bytes, selected: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """(places,) summed over the members; places of modules that are not asked score 0."""
        counts = self.counts(picture, selected)
        threshold = round(self.config.hyperactive_share * self.places)
        scores = np.zeros(self.places)
        asked = range(len(self.modules)) if selected is None else selected.tolist()
        for m, of_module in zip(asked, counts, strict=True):
            module = self.modules[m]
            if m not in self._assignments:
                self._assignments[m] = _assignment(module)
            query = without_hyperactive(of_module[None], module.activity, threshold)
            scores[module.places] += self._assignments[m].score(query, self.config.scheme)[:, 0]
        return scores.astype(np.float32)

    def recorded_activity(self, pictures: Bytes) -> NDArray[np.int64]:
        """(M, cells) how many of the pictures each cell answers to."""
        counts = np.stack([self.counts(picture) for picture in pictures])
        return np.stack([hyperactivity(counts[:, m]) for m in range(len(self.modules))])


def _assignment(module: DcModule) -> Assignment:
    labels = np.arange(len(module.places))
    return assign(module.spikes.T, labels, len(labels))


def _query_networks(modules: Sequence[DcModule], config: DcConfig) -> DcNetworks:
    weights = np.stack([module.weights for module in modules]).astype(np.float32)
    delays = np.stack([module.delays for module in modules]).astype(np.int64)
    delays = np.rint(delays * (config.timing.dt / config.query_dt)).astype(np.int64)
    theta = np.stack([module.theta for module in modules])
    return build_networks(
        weights, delays * config.query_delays, theta,
        config.timing._replace(dt=config.query_dt), learns=False,
    )  # fmt: skip
