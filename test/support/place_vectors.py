"""The authors' vectors of place recognition, read in place."""

from pathlib import Path

import numpy as np
import pytest


def folder(parity_dir: Path) -> Path:
    path = parity_dir / "place_recognition"
    if not path.is_dir():
        pytest.skip(f"authors' vectors: no folder {path}")
    return path


def cases(parity_dir: Path, name: str, extension: str = ".npz") -> list[Path]:
    found = sorted(folder(parity_dir).glob(f"{name}_[A-Z]{extension}"))
    if not found:
        pytest.skip(f"authors' vectors: no {name}_*{extension} in {folder(parity_dir)}")
    return found


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def sets(vectors: dict) -> list[str]:
    """First parts of the names `set/array`, in the order of the file."""
    return list(dict.fromkeys(name.split("/")[0] for name in vectors if "/" in name))


def below(vectors: dict, prefix: str) -> dict[str, np.ndarray]:
    return {
        name[len(prefix) + 1 :]: array
        for name, array in vectors.items()
        if name.startswith(f"{prefix}/")
    }
