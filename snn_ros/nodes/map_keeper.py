"""Which map a node has, where it came from, and what of it is not saved yet."""

from __future__ import annotations

from pathlib import Path

from snn_ros.place_recognition.matching import RecognizerConfig
from snn_ros.place_recognition.online import OnlineRecognizer
from snn_ros.place_recognition.pipeline import PROFILES, PlaceRecognizer
from snn_ros.place_recognition.weights import MapError, PlaceMap, digest_at, load_map, save_map


class MapKeeper:
    """Loads and saves the maps of a recogniser; never overwrites a map it does not know."""

    def __init__(self, profile: str, config: RecognizerConfig) -> None:
        """Nothing is loaded yet.

        Args:
            profile: that maps must be of.
            config: of recognisers of loaded maps.
        """
        self._profile, self._config = profile, config
        self._digests: dict[Path, str] = {}
        self._saved = 0

    def load(self, path: Path) -> PlaceMap:
        """Read a map.

        Raises:
            MapError: it is none, or of another profile.
        """
        backend, preprocessing = PROFILES[self._profile]
        digest = digest_at(path)
        found = load_map(path, preprocessing, backend().name)
        assert digest is not None  # else it could not be loaded
        self._digests[path.resolve()] = digest
        return found

    def begin(self, path: Path | None, teaches: bool) -> PlaceMap | None:
        """The map to begin with; None for a new one.

        Raises:
            MapError: it is not there, and nothing is to be taught that could be saved there.
        """
        if path is None or (teaches and not path.exists()):
            return None
        if not path.exists():
            raise MapError(f"map: {path}: no such file; set teach to begin a map there")
        return self.load(path)

    def recognizer(self, content: PlaceMap | None) -> PlaceRecognizer:
        """A recogniser of a map, or one that knows nothing."""
        if content is None:
            return PlaceRecognizer.from_config(self._profile, config=self._config)
        return PlaceRecognizer.of_map(content, self._config)

    def taken(self, content: PlaceMap | None) -> None:
        """The recogniser goes on with a map that is in a file, or with an empty one."""
        self._saved = len(content.backend) if content else 0

    def save(self, path: Path, robot: OnlineRecognizer) -> int:
        """Write all that is known now; returns the number of places.

        Raises:
            MapError: there is nothing to save, it cannot be written, or another map is there.
        """
        content = robot.map()
        if not len(content.backend):
            raise MapError("the map has no place yet")
        over = self._digests.get(path.resolve())
        self._digests[path.resolve()] = save_map(path, content, over=over)
        self._saved = len(content.backend)
        return self._saved

    def unsaved(self, robot: OnlineRecognizer) -> int:
        """Places that are in no file yet."""
        return len(robot.places.stamps) - self._saved
