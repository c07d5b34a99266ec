"""Simulated drives on disk: one folder for each, named after all that decides its contents.

``<cache>/<fingerprint>/000000.truth.npz`` and ``000000.sight.npz``; plain arrays, no pickle. A
drive is there whole or not at all, and only one process makes it.
"""

from __future__ import annotations

import dataclasses
import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from snn_ros.errors import SnnRosError
from snn_ros.simulation.training_frames import Frame, Sight, Truth

Part = TypeVar("Part", Truth, Sight)


class CacheNotWritten(SnnRosError):
    """The file system refused."""

    def __init__(self, folder: Path, err: OSError) -> None:
        super().__init__(f"{folder}: cannot be written: {err.strerror or err}")


class DriveCache:
    """Drives in a folder, shared by all processes that name it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ensure(self, name: str, frames: Iterable[Frame]) -> None:
        """Write a drive unless it is there; who comes second waits for the first.

        Args:
            name: its fingerprint.
            frames: only asked for if the drive is not there.

        Raises:
            CacheNotWritten: the file system refuses.
        """
        drive = self._folder / name
        if drive.is_dir():
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._folder / f"{name}.lock"):
                if not drive.is_dir():
                    self._write(drive, frames)
        except OSError as err:
            raise CacheNotWritten(drive, err) from err

    def truth(self, name: str, number: int) -> Truth:
        """What is true in a frame of a drive that is there."""
        return _load(self._file(name, number, "truth"), Truth)

    def sight(self, name: str, number: int) -> Sight:
        """What is seen in a frame of a drive that is there."""
        return _load(self._file(name, number, "sight"), Sight)

    def _file(self, name: str, number: int, part: str) -> Path:
        return self._folder / name / f"{number:06}.{part}.npz"

    def _write(self, drive: Path, frames: Iterable[Frame]) -> None:
        unfinished = drive.with_name(f"{drive.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            for number, frame in enumerate(frames):
                _save(unfinished / f"{number:06}.truth.npz", frame.truth)
                _save(unfinished / f"{number:06}.sight.npz", frame.sight)
            unfinished.rename(drive)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Only one process at a time is inside; a lock ends with its process."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _save(file: Path, part: Truth | Sight) -> None:
    """Fields as arrays; members of a mapping as ``field/key``."""
    arrays: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, dict):
            arrays |= {f"{field.name}/{key}": member for key, member in value.items()}
        else:
            arrays[field.name] = value
    np.savez(file, **arrays)


def _load(file: Path, kind: type[Part]) -> Part:
    values: dict[str, Any] = {field.name: {} for field in dataclasses.fields(kind)}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:
            field, inside, key = name.partition("/")
            array = stored[name]
            if inside:
                values[field][key] = array
            else:
                values[field] = array if array.ndim else array.item()
    return kind(**values)
