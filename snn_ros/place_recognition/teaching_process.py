"""A network learns in a process of its own: answers go on, and a crash takes nothing along.

The lesson goes in and the modules come out by pipes, so that no file can be left behind and no disk
can be full. The process is of low priority and keeps to one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Arrays, Lesson
from snn_ros.place_recognition.backends import build
from snn_ros.place_recognition.taught_route import TaughtRoute

_PRIORITY = 10  # niceness
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_MANIFEST, _PICTURES, _LABELS = "manifest", "pictures", "labels"


class TeachingError(SnnRosError):
    """Places cannot be taught."""


class ProcessTeacher:
    """Teaches one lesson after the other; can be stopped from another thread."""

    def __init__(self) -> None:
        """Teach nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, lesson: Lesson) -> Arrays:
        """The arrays of the taught modules.

        Raises:
            TeachingError: the process failed or was stopped.
        """
        command = [sys.executable, "-m", __name__]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | _ONE_THREAD,
        ) as process:  # fmt: skip
            self._process = process
            taught, complaints = process.communicate(_written(lesson))
        self._process = None
        if process.returncode:
            last = complaints.decode(errors="replace").strip().rpartition("\n")[2]
            raise TeachingError(f"teaching ended with {process.returncode}: {last}")
        return load(taught)

    def stop(self) -> None:
        """End the process if there is one; what it was to learn stays untaught."""
        process = self._process
        if process is not None:
            process.kill()


def _written(lesson: Lesson) -> bytes:
    manifest: dict[str, Any] = {
        "backend": lesson.backend,
        "settings": dict(lesson.settings),
        "sealed": lesson.sealed,
        "modules": lesson.modules,
    }
    text = np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)
    return save(
        {
            _MANIFEST: text,
            _PICTURES: np.ascontiguousarray(lesson.pictures),
            _LABELS: np.ascontiguousarray(lesson.labels),
        }
    )


def _read(data: bytes) -> Lesson:
    arrays = load(data)
    manifest = json.loads(arrays[_MANIFEST].tobytes())
    return Lesson(**manifest, pictures=arrays[_PICTURES], labels=arrays[_LABELS])


def main() -> None:
    """Read a lesson from standard input, write the modules to standard output."""
    os.nice(_PRIORITY)
    lesson = _read(sys.stdin.buffer.read())
    backend = build(lesson.backend, lesson.settings)
    assert isinstance(backend, TaughtRoute)  # others have nothing to learn
    taught = {name: np.ascontiguousarray(a) for name, a in backend.taught(lesson).items()}
    sys.stdout.buffer.write(save(taught))


if __name__ == "__main__":
    main()
