"""The networks behind the one interface of ``backend``; maps are saved by ``weights``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn_ros.place_recognition.backend import Arrays, Backend, Lesson, below
from snn_ros.place_recognition.dc import DcConfig, DcModule, DcReader, learn_modules
from snn_ros.place_recognition.dc_kernel import Timing
from snn_ros.place_recognition.gabor import gabor_backend
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.taught_route import SadBackend, TaughtRoute
from snn_ros.place_recognition.tempo import CEILING, Floats, Layer, TempoConfig, TempoModule
from snn_ros.place_recognition.tempo_learning import learn_module
from snn_ros.spiking.activity import LayerActivity, NetworkActivity

_MOST_MEMBERS = 1000  # each member has the next seed


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

    @property
    def module_size(self) -> int:
        """Places that one module learns."""
        return self.config.places_per_module

    def taught(self, lesson: Lesson) -> Arrays:
        """One module per so many places."""
        labels, size = lesson.labels, self.module_size
        modules: list[TempoModule] = []
        for first in range(0, int(labels.max()) + 1, size):
            own = (labels >= first) & (labels < first + size)
            number = lesson.modules + len(modules)
            modules.append(
                learn_module(lesson.pictures[own], labels[own] - first, self.config, number)
            )
        return arrays_of_tempo(modules)

    def _forget(self) -> None:
        self.modules = []

    def _number_of_modules(self) -> int:
        return len(self.modules)

    def _attach(self, arrays: Arrays) -> None:
        self.modules = [*self.modules, *_tempo_modules(arrays)]

    def _network_score(self, picture: Bytes) -> Floats:
        if self.config.rules == "merged":  # nothing is cut off: both layers are one matrix
            return np.concatenate([module.quantised.score(picture) for module in self.modules])
        spikes = picture.ravel() / np.float32(255)
        return np.concatenate([module.score(spikes) for module in self.modules])

    def activity(self, picture: Bytes) -> NetworkActivity:
        """Amplitudes are graded, so that what they cause are multiply-accumulates."""
        spikes = picture.ravel() / np.float32(255)
        amplitudes = [module.features.amplitudes(spikes) for module in self.modules]
        if not amplitudes:
            return NetworkActivity((), 0, 0)
        active = np.array([np.count_nonzero(a) for a in amplitudes])
        cells = sum(a.size for a in amplitudes)
        saturated = sum(int((a >= CEILING).sum()) for a in amplitudes)
        total = int(active.sum())
        layer = LayerActivity("features", cells, cells, total, cells - total, saturated)
        places = np.array([len(module.output.threshold) for module in self.modules])
        links = sum(np.count_nonzero(module.features.matrix) for module in self.modules)
        return NetworkActivity((layer,), 0, int(links + active @ places))

    def settings(self) -> dict[str, Any]:
        """Sizes and rules."""
        return asdict(self.config)

    def arrays(self) -> Arrays:
        """Pictures, and both layers of each module."""
        return self.pictures.arrays() | arrays_of_tempo(self.modules)

    def restore(self, arrays: Arrays) -> None:
        """Take over the modules."""
        self.pictures.restore(arrays)
        self.modules = _tempo_modules(arrays)
        self._sealed = sum(len(module.output.threshold) for module in self.modules)


def arrays_of_tempo(modules: list[TempoModule]) -> Arrays:
    """Both layers of each module, by number and name."""
    return {
        f"{number}/{layer.name}/{part.name}": getattr(getattr(module, layer.name), part.name)
        for number, module in enumerate(modules)
        for layer in fields(TempoModule)
        for part in fields(Layer)
    }


def _tempo_modules(arrays: Arrays) -> list[TempoModule]:
    modules: list[TempoModule] = []
    while f"{len(modules)}/features/weights" in arrays:
        layers = {
            name: Layer(**below(arrays, f"{len(modules)}/{name}/"))
            for name in ("features", "output")
        }
        modules.append(TempoModule(**layers))
    return modules


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

    @property
    def module_size(self) -> int:
        """Places that one module learns."""
        return self.config.network.places_per_module

    def taught(self, lesson: Lesson) -> Arrays:
        """Modules of every member."""
        # streams are keyed by the seed: modules added later must not repeat those of the first
        network = self.config.network
        network = replace(network, seed=network.seed + _MOST_MEMBERS * lesson.sealed)
        modules = learn_modules(lesson.pictures, lesson.labels, network)
        return _arrays_of_dc(
            [replace(module, places=module.places + lesson.sealed) for module in modules]
        )

    def _forget(self) -> None:
        self.reader = None

    def _number_of_modules(self) -> int:
        return len(self.reader.modules) if self.reader else 0

    def _attach(self, arrays: Arrays) -> None:
        known = self.reader.modules if self.reader else []
        self.reader = DcReader([*known, *_dc_modules(arrays)], self._sealed, self.config.network)
        if self.config.network.hyperactive_share > 0:
            self._record_activity()

    def _record_activity(self) -> None:
        reader = self._reader()
        activity = reader.recorded_activity(self.templates[: self._sealed])
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

    def activity(self, picture: Bytes) -> NetworkActivity:
        """Of the modules that are asked; it takes as long as a score."""
        if self.reader is None:
            return NetworkActivity((), 0, 0)
        return self.reader.activity(picture, self._asked(picture, self.reader))

    def _asked(self, picture: Bytes, reader: DcReader) -> NDArray[np.int64] | None:
        """The modules whose best picture is the most similar, so many of each member."""
        if self.config.prefilter == 0:
            return None
        return reader.most_similar(self.similarity(picture), self.config.prefilter)

    def settings(self) -> dict[str, Any]:
        """Sizes and protocol."""
        settings = asdict(self.config)
        settings["network"]["timing"] = self.config.network.timing._asdict()
        return settings

    def arrays(self) -> Arrays:
        """Pictures, and all of each module."""
        return self.pictures.arrays() | _arrays_of_dc(self.reader.modules if self.reader else [])

    def restore(self, arrays: Arrays) -> None:
        """Take over the modules."""
        self.pictures.restore(arrays)
        self.adopt(_dc_modules(arrays))

    def adopt(self, modules: list[DcModule]) -> None:
        """Take over taught modules, of places whose pictures are known."""
        self._sealed = len({int(place) for module in modules for place in module.places})
        self.reader = DcReader(modules, self._sealed, self.config.network) if modules else None


def _arrays_of_dc(modules: list[DcModule]) -> Arrays:
    return {
        f"{number}/{name}": array
        for number, module in enumerate(modules)
        for name, array in {**vars(module), "member": np.array([module.member])}.items()
    }


def _dc_modules(arrays: Arrays) -> list[DcModule]:
    modules: list[DcModule] = []
    while f"{len(modules)}/weights" in arrays:
        content: dict[str, Any] = below(arrays, f"{len(modules)}/")
        modules.append(DcModule(**{**content, "member": content["member"].item()}))
    return modules


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
    if name == "gabor":
        return gabor_backend(settings)
    return {"sad": SadBackend}[name](**settings)
