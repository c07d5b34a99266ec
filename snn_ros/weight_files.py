"""What weight files of all systems have in common: arrays and the manifest beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypeVar

from snn_ros.errors import SnnRosError

Manifest = TypeVar("Manifest")


class WeightsError(SnnRosError):
    """A weight file or its manifest cannot be used; the text names file, field and value."""


def shipped_file(name: str) -> Path:
    """Where a weight file that comes with the package is, or would be.

    Args:
        name: of the file.
    """
    here = Path(__file__).resolve()
    places = [here.parents[1] / "weights" / name]
    places += [folder / "share" / "snn_ros" / "weights" / name for folder in here.parents]
    return next((place for place in places if place.is_file()), places[0])


def read_manifest(path: Path, manifest_type: type[Manifest], system: str) -> Manifest:
    """A manifest from its JSON file, its values not checked yet.

    Args:
        path: of the JSON file.
        manifest_type: a dataclass with the fields that the file may have.
        system: whose manifest it should be, for messages.

    Raises:
        WeightsError: it cannot be read, or has other fields.
    """
    try:
        content = json.loads(path.read_text())
    except OSError as err:
        raise WeightsError(f"{path}: cannot be read: {err.strerror}") from err
    except ValueError as err:
        raise WeightsError(f"{path}: not JSON: {err}") from err
    try:
        return manifest_type(**content)
    except TypeError as err:
        raise WeightsError(f"{path}: not a manifest of {system}: {err}") from err


def read_unchanged(path: Path, sha256: str) -> bytes:
    """The content of a file that is still what its manifest says.

    Raises:
        WeightsError: it cannot be read, or has another sha256.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise WeightsError(f"{path}: cannot be read: {err.strerror}") from err
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsError(f"{path}: sha256 is {found}, the manifest says {sha256}")
    return data
