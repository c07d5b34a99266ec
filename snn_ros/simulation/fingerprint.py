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
_SOURCES = ("simulation", "geometry", "kitti", "configuration.py")
_LIBRARIES = ("mujoco", "numpy", "numba", "scipy", "opencv-python")
LENGTH = 12  # hexadecimal digits; 48 bits


def code_fingerprint(more: Iterable[str] = ()) -> str:
    """A hash of the code of the simulation, and of the versions of the libraries under it.

    Args:
        more: files and folders of the package that matter besides, such as
            ``nodes/street_topics.py``.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted({*_SOURCES, *more}):
        for file in _python_files(_PACKAGE / name):
            digest.update(f"{file.relative_to(_PACKAGE)}\0".encode())
            digest.update(file.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\0".encode())
    return digest.hexdigest()


def fingerprint(scenario: Any, code: str, options: Mapping[str, Any] | None = None) -> str:
    """A hash of all that decides what comes out of a scenario.

    Args:
        scenario: its dataclass.
        code: from ``code_fingerprint``.
        options: what else decides, as plain data.

    Returns:
        ``LENGTH`` hexadecimal digits.
    """
    facts = {
        "code": code,
        "scenario": dataclasses.asdict(scenario),
        "options": dict(options or {}),
    }
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _python_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]
