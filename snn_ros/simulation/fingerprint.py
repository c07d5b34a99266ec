"""Names for what a simulation makes: the same only for the same scenario, code and versions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import snn_ros

_PACKAGE = Path(snn_ros.__file__).parent
_SOURCES = ("simulation", "geometry", "configuration.py")
_LIBRARIES = ("mujoco", "numpy", "numba", "scipy", "opencv-python")
LENGTH = 12  # hexadecimal digits; 48 bits


def fingerprint(
    scenario: Any, more: Iterable[str] = (), options: Mapping[str, Any] | None = None
) -> str:
    """A hash of all that decides what comes out of a scenario.

    Args:
        scenario: its dataclass.
        more: files and folders of the package that matter besides the simulation, such as
            ``nodes/street_topics.py``.
        options: what else decides, as plain data.

    Returns:
        ``LENGTH`` hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted({*_SOURCES, *more}):
        for file in _python_files(_PACKAGE / name):
            digest.update(f"{file.relative_to(_PACKAGE)}\0".encode())
            digest.update(file.read_bytes())
    facts = {
        "scenario": dataclasses.asdict(scenario),
        "options": dict(options or {}),
        "libraries": {library: version(library) for library in _LIBRARIES},
    }
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()[:LENGTH]


def _python_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]
