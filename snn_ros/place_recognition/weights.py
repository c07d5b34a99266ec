"""Maps of places: one safetensors file, its manifest in the header.

A map is written beside the old one and then takes its place, so that a full disk or a lost
connection leaves the old map whole. Nothing is loaded that does not fit: another schema, another
preprocessing, other settings of the back end, a changed array.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Arrays, Backend, below
from snn_ros.place_recognition.backends import build
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.preprocessing import ImageError, Preprocessing

SCHEMA = 1
SYSTEM = "place_recognition"
ANY_MAP = "any"  # whatever is there may be overwritten
_BACKEND, _PLACE, _CALIBRATION = "backend/", "place/", "calibration/"


class MapError(SnnRosError):
    """A map of places cannot be written or used."""


@dataclass(frozen=True, eq=False)
class Places:
    """What a map says about its places besides their looks.

    Attributes:
        poses: (P, 7) position in m and quaternion x y z w.
        covariances: (P, 6, 6) of the poses, in the order of ROS.
        stamps: (P,) s.
        travelled: (P,) way along the route in m.
        frame: of the poses.
    """

    poses: NDArray[np.float64]
    covariances: NDArray[np.float64]
    stamps: NDArray[np.float64]
    travelled: NDArray[np.float64]
    frame: str = "map"

    @property
    def spacing(self) -> float:
        """Usual way between two places in m; 0 where it is not known."""
        return float(np.median(np.diff(self.travelled))) if len(self.travelled) > 1 else 0.0

    def extended(
        self,
        pose: NDArray[np.float64],
        covariance: NDArray[np.float64],
        stamp: float,
        travelled: float,
    ) -> Places:
        """With one place more."""
        return Places(
            np.concatenate([self.poses, pose[None]]),
            np.concatenate([self.covariances, covariance[None]]),
            np.append(self.stamps, stamp),
            np.append(self.travelled, travelled),
            self.frame,
        )


def no_places(frame: str = "map") -> Places:
    """Of a map that is empty."""
    return Places(np.zeros((0, 7)), np.zeros((0, 6, 6)), np.zeros(0), np.zeros(0), frame)


@dataclass(frozen=True, eq=False)
class PlaceMap:
    """All that a place recogniser knows.

    Attributes:
        backend: taught.
        preprocessing: of the pictures it was taught with.
        places: their poses.
        calibration: margins to probabilities, if there is one.
    """

    backend: Backend
    preprocessing: Preprocessing
    places: Places
    calibration: Calibration | None = None

    @property
    def identity(self) -> str:
        """The same for a map that grew, another one for another first place."""
        if not len(self.backend):
            return ""
        digest = hashlib.sha256(self.backend.templates[0].tobytes())
        digest.update(self.places.stamps[:1].tobytes() + self.places.poses[:1].tobytes())
        return digest.hexdigest()[:12]


def save_map(path: Path, content: PlaceMap, *, over: str | None = ANY_MAP) -> str:
    """Write a map.

    Args:
        path: of the map.
        content: all of it.
        over: digest of the map that is at the path, None if there is none. Two who teach the same
            route could otherwise overwrite what the other has learnt.

    Returns:
        its digest.

    Raises:
        MapError: it cannot be written, or another map is at the path; what was there before is
            untouched.
    """
    places = vars(content.places).copy()
    frame = places.pop("frame")
    arrays = {f"{_BACKEND}{name}": array for name, array in content.backend.arrays().items()}
    arrays |= {f"{_PLACE}{name}": array for name, array in places.items()}
    if content.calibration:
        arrays |= {f"{_CALIBRATION}{k}": array for k, array in vars(content.calibration).items()}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    manifest = {
        "schema": SCHEMA,
        "system": SYSTEM,
        "backend": content.backend.name,
        "settings": content.backend.settings(),
        "preprocessing": asdict(content.preprocessing),
        "preprocessing_hash": content.preprocessing.fingerprint,
        "frame": frame,
        "number_of_places": len(content.backend),
        "sha256": _digest(arrays),
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, unfinished, {"manifest": json.dumps(manifest)})
        with _alone_in(path.parent):
            if over != ANY_MAP and digest_at(path) != over:
                raise MapError(
                    f"{path}: holds a map that is not the one to go on with; name another file"
                )
            unfinished.replace(path)
    except (OSError, SafetensorError) as err:
        raise MapError(f"{path}: cannot be written: {err}") from err
    finally:
        with suppress(OSError):  # where there is no folder there is no file
            unfinished.unlink()
    return str(manifest["sha256"])


def digest_at(path: Path) -> str | None:
    """Digest of the map at a path as its manifest says; None if there is no file."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "np") as file:
            return str(json.loads((file.metadata() or {})["manifest"])["sha256"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return "damaged"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Nobody else who asks is in the folder at the same time."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def load_map(
    path: Path,
    preprocessing: Preprocessing | None = None,
    backend: str | None = None,
    settings: dict[str, Any] | None = None,
) -> PlaceMap:
    """Read and check a map.

    Args:
        path: of the map.
        preprocessing: that it must have been made with; None takes any.
        backend: name that it must be of; None takes any.
        settings: that the back end must have; None takes any.

    Raises:
        MapError: the text names the file, and each field that does not fit with both values.
    """
    try:
        with safe_open(path, "np") as file:
            manifest = json.loads((file.metadata() or {})["manifest"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError) as err:
        raise MapError(f"{path}: not a map of places: {err}") from err
    problems = _problems(manifest, arrays, preprocessing, backend, settings)
    if problems:
        raise MapError(f"{path}: " + "; ".join(problems))
    try:
        restored = build(manifest["backend"], manifest["settings"])
        restored.restore(below(arrays, _BACKEND))
        places = Places(**below(arrays, _PLACE), frame=manifest["frame"])
        knots = below(arrays, _CALIBRATION)
        calibration = Calibration(**knots) if knots else None
    except (KeyError, TypeError, ValueError) as err:
        raise MapError(f"{path}: damaged: {err!r}") from err
    return PlaceMap(restored, Preprocessing(**manifest["preprocessing"]), places, calibration)


def _problems(
    manifest: dict[str, Any],
    arrays: Arrays,
    preprocessing: Preprocessing | None,
    backend: str | None,
    settings: dict[str, Any] | None,
) -> list[str]:
    expected: dict[str, Any] = {"schema": SCHEMA, "system": SYSTEM, "sha256": _digest(arrays)}
    try:
        expected["preprocessing_hash"] = Preprocessing(**manifest["preprocessing"]).fingerprint
    except (KeyError, TypeError, ImageError) as err:
        return [f"preprocessing is {manifest.get('preprocessing')!r}: {err}"]
    if preprocessing is not None:
        expected["preprocessing"] = asdict(preprocessing)
    if backend is not None:
        expected["backend"] = backend
    if settings is not None:
        expected["settings"] = settings
    return [
        f"{name} is {manifest.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if manifest.get(name) != value
    ]


def _digest(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
