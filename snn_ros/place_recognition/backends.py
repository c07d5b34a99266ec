"""Three ways to know places, behind one interface; maps are saved by ``weights``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.dc import DcConfig, DcModule, DcReader, learn_modules
from snn_ros.place_recognition.dc_kernel import Timing
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.sad import SadPlaces
from snn_ros.place_recognition.sequence import standardised
from snn_ros.place_recognition.tempo import Floats, Layer, TempoConfig, TempoModule
from snn_ros.place_recognition.tempo_learning import learn_module

Arrays = dict[str, NDArray[Any]]
_MOST_MEMBERS = 1000  # each member has the next seed


class Backend(Protocol):
    """Knows places by their pictures."""

    name: str

    def __len__(self) -> int:
        """Number of places."""

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Teach a route from nothing.

        Args:
            pictures: (N, side, side), traverse after traverse.
            labels: (N,) place of each, 0..P-1.
        """

    def score(self, picture: Bytes) -> Floats:
        """(P,) float32, the larger the more alike."""

    def add_place(self, picture: Bytes) -> int:
        """Teach one more place, known at once; returns its number."""

    def seal(self) -> None:
        """Teach the network what was added since; what it knew before stays as it is."""

    def settings(self) -> dict[str, Any]:
        """Every parameter, fit for JSON."""

    def arrays(self) -> Arrays:
        """All that was learnt."""

    def restore(self, arrays: Arrays) -> None:
        """Take over what ``arrays`` gave."""


class SadBackend:
    """The pictures themselves."""

    name = "sad"

    def __init__(self) -> None:
        """Know nothing."""
        self.known = SadPlaces(np.zeros((0, 1, 1), dtype=np.uint8))

    def __len__(self) -> int:
        """Number of places."""
        return len(self.known)

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Keep the first picture of each place."""
        _, first = np.unique(labels, return_index=True)
        self.known = SadPlaces(pictures[first])

    def score(self, picture: Bytes) -> Floats:
        """(P,) minus the mean absolute difference."""
        return self.known.score(picture)

    def add_place(self, picture: Bytes) -> int:
        """Keep one more picture."""
        if not len(self.known):
            self.known = SadPlaces(picture[None])
            return 0
        return self.known.add_place(picture)

    def seal(self) -> None:
        """Nothing to do."""

    def settings(self) -> dict[str, Any]:
        """None."""
        return {}

    def arrays(self) -> Arrays:
        """The pictures."""
        return {"templates": self.known.templates}

    def restore(self, arrays: Arrays) -> None:
        """Take over the pictures."""
        self.known = SadPlaces(arrays["templates"])


class TaughtRoute:
    """What the spiking back ends share: sealed modules, and pictures of all places.

    Places that were added and not yet sealed are scored by their pictures. Both kinds of score are
    then standardised over the places, since their scales differ.
    """

    name: str

    def __init__(self) -> None:
        """Know nothing."""
        self.pictures = SadBackend()
        self.sealed = 0  # places that the network knows

    def __len__(self) -> int:
        """Number of places."""
        return len(self.pictures)

    def learn(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        """Teach the network a route from nothing."""
        self.pictures.learn(pictures, labels)
        self._forget()
        self.sealed = 0
        self._teach(pictures, labels)
        self.sealed = len(self.pictures)

    def add_place(self, picture: Bytes) -> int:
        """Teach one more place; returns its number."""
        return self.pictures.add_place(picture)

    def seal(self) -> None:
        """Teach the network the places that were added since."""
        added = self.pictures.known.templates[self.sealed :]
        if len(added):
            self._teach(added, np.arange(len(added)))
            self.sealed = len(self)

    def score(self, picture: Bytes) -> Floats:
        """(P,): of the network alone where it knows all places."""
        if self.sealed == len(self):
            return self._network_score(picture)
        by_picture = standardised(self.pictures.score(picture)).astype(np.float32)
        if self.sealed:
            by_picture[: self.sealed] = standardised(self._network_score(picture))
        return by_picture

    def _forget(self) -> None:
        raise NotImplementedError

    def _teach(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        raise NotImplementedError

    def _network_score(self, picture: Bytes) -> Floats:
        raise NotImplementedError


class TempoBackend(TaughtRoute):
    """The fast network, see ``tempo``."""

    name = "tempo"

    def __init__(self, config: TempoConfig | None = None) -> None:
        """Know nothing.

        Args:
            config: sizes and rules.
        """
        super().__init__()
        self.config = config or TempoConfig()
        self.modules: list[TempoModule] = []

    def _forget(self) -> None:
        self.modules = []

    def _teach(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        size = self.config.places_per_module
        for first in range(0, int(labels.max()) + 1, size):
            own = (labels >= first) & (labels < first + size)
            number = len(self.modules)
            module = learn_module(pictures[own], labels[own] - first, self.config, number)
            self.modules.append(module)

    def _network_score(self, picture: Bytes) -> Floats:
        spikes = picture.ravel() / np.float32(255)
        clamped = self.config.rules == "separate"
        return np.concatenate([module.score(spikes, clamped) for module in self.modules])

    def settings(self) -> dict[str, Any]:
        """Sizes and rules."""
        return asdict(self.config)

    def arrays(self) -> Arrays:
        """Pictures, and both layers of each module."""
        found = self.pictures.arrays()
        for number, module in enumerate(self.modules):
            for name, layer in vars(module).items():
                for part in fields(Layer):
                    found[f"{number}/{name}/{part.name}"] = getattr(layer, part.name)
        return found

    def restore(self, arrays: Arrays) -> None:
        """Take over the modules."""
        self.pictures.restore(arrays)
        self.modules = []
        while f"{len(self.modules)}/features/weights" in arrays:
            layers = {
                name: Layer(**_below(arrays, f"{len(self.modules)}/{name}/"))
                for name in ("features", "output")
            }
            self.modules.append(TempoModule(**layers))
        self.sealed = sum(len(module.output.threshold) for module in self.modules)


@dataclass(frozen=True)
class DcBackendConfig:
    """How taught modules are asked.

    Attributes:
        network: sizes and protocol.
        prefilter: modules per member that are asked, those of the most similar pictures; 0: all.
    """

    network: DcConfig = field(default_factory=DcConfig)
    prefilter: int = 0


class DcBackend(TaughtRoute):
    """Competing spiking cells, see ``dc``."""

    name = "dc"

    def __init__(self, config: DcBackendConfig | None = None) -> None:
        """Know nothing.

        Args:
            config: sizes and protocol.
        """
        super().__init__()
        self.config = config or DcBackendConfig()
        self.reader: DcReader | None = None

    def _forget(self) -> None:
        self.reader = None

    def _teach(self, pictures: Bytes, labels: NDArray[np.int64]) -> None:
        known = self.reader.modules if self.reader else []
        # streams are keyed by the seed: modules added later must not repeat those of the first
        network = self.config.network
        network = replace(network, seed=network.seed + _MOST_MEMBERS * self.sealed)
        taught = learn_modules(pictures, labels, network)
        added = [replace(module, places=module.places + self.sealed) for module in taught]
        self.reader = DcReader([*known, *added], len(self.pictures), self.config.network)
        if self.config.network.hyperactive_share > 0:
            self._record_activity()

    def _record_activity(self) -> None:
        reader = self._reader()
        activity = reader.recorded_activity(self.pictures.known.templates)
        reader.modules = [
            replace(module, activity=of_module)
            for module, of_module in zip(reader.modules, activity, strict=True)
        ]

    def _reader(self) -> DcReader:
        assert self.reader is not None  # only called once places are sealed
        return self.reader

    def _network_score(self, picture: Bytes) -> Floats:
        reader = self._reader()
        return reader.score(picture, self._asked(picture, reader))

    def _asked(self, picture: Bytes, reader: DcReader) -> NDArray[np.int64] | None:
        """The modules whose best picture is the most similar, so many of each member."""
        if self.config.prefilter == 0:
            return None
        similarity = self.pictures.score(picture)
        best = np.array([similarity[module.places].max() for module in reader.modules])
        member = np.array([module.member for module in reader.modules])
        rank = np.lexsort((-best, member))
        asked = [rank[member[rank] == m][: self.config.prefilter] for m in np.unique(member)]
        return np.concatenate(asked)

    def settings(self) -> dict[str, Any]:
        """Sizes and protocol."""
        settings = asdict(self.config)
        settings["network"]["timing"] = self.config.network.timing._asdict()
        return settings

    def arrays(self) -> Arrays:
        """Pictures, and all of each module."""
        found = self.pictures.arrays()
        for number, module in enumerate(self.reader.modules if self.reader else []):
            content = {**vars(module), "member": np.array([module.member])}
            found |= {f"{number}/{name}": array for name, array in content.items()}
        return found

    def restore(self, arrays: Arrays) -> None:
        """Take over the modules."""
        self.pictures.restore(arrays)
        modules: list[DcModule] = []
        while f"{len(modules)}/weights" in arrays:
            content: dict[str, Any] = _below(arrays, f"{len(modules)}/")
            modules.append(DcModule(**{**content, "member": content["member"].item()}))
        known = {int(place) for module in modules for place in module.places}
        self.sealed = len(known)
        self.reader = (
            DcReader(modules, len(self.pictures), self.config.network) if modules else None
        )


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def build(name: str, settings: Mapping[str, Any]) -> Backend:
    """A back end that knows nothing yet, from its name and ``settings``.

    Raises:
        KeyError: there is none of the name.
        TypeError: the settings are not those of the back end.
    """
    if name == "dc":
        network = {**settings["network"], "timing": Timing(**settings["network"]["timing"])}
        return DcBackend(DcBackendConfig(DcConfig(**network), settings["prefilter"]))
    if name == "tempo":
        return TempoBackend(TempoConfig(**settings))
    return {"sad": SadBackend}[name](**settings)
