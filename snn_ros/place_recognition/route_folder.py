"""Routes as folders of pictures with ``ground_truth.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.preprocessing import Bytes

TRUTH = "ground_truth.csv"
_SUFFIXES = (".png", ".jpg", ".jpeg")


class RouteError(SnnRosError):
    """A folder holds no route."""


@dataclass(frozen=True, eq=False)
class RouteFolder:
    """Two drives of a route.

    Attributes:
        references: pictures of the places, in route order.
        queries: pictures to be recognised, in route order.
        truth: (P, Q) bool which places a query may be taken for.
    """

    references: tuple[Path, ...]
    queries: tuple[Path, ...]
    truth: NDArray[np.bool_]


def read_route(folder: Path) -> RouteFolder:
    """The route of a folder.

    ``ground_truth.csv`` has the columns query and reference, paths from the folder, in route order.
    What other columns say does not matter here.

    Raises:
        RouteError: the file is absent or not of this form, or names a picture that is not there.
    """
    path = folder / TRUTH
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as err:
        raise RouteError(f"{path}: {err.strerror or err}") from err
    except (UnicodeDecodeError, csv.Error) as err:
        raise RouteError(f"{path}: not a table: {err}") from err
    if not rows:
        raise RouteError(f"{path}: no row")
    for line, row in enumerate(rows, 2):
        for column in ("query", "reference"):
            name = row.get(column)
            if not name or not (folder / name).is_file():
                raise RouteError(f"{path}, line {line}: {column} is {name!r}, not a file")
    names = {c: list(dict.fromkeys(row[c] for row in rows)) for c in ("reference", "query")}
    number = {c: {name: k for k, name in enumerate(names[c])} for c in names}
    truth = np.zeros((len(names["reference"]), len(names["query"])), dtype=bool)
    for row in rows:
        truth[number["reference"][row["reference"]], number["query"][row["query"]]] = True
    paths = {c: tuple(folder / name for name in names[c]) for c in names}
    return RouteFolder(paths["reference"], paths["query"], truth)


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The references of a folder with a ground truth, else all its pictures by name.

    Raises:
        RouteError: there is none.
    """
    if (folder / TRUTH).exists():
        return read_route(folder).references
    found = tuple(sorted(f for f in folder.iterdir() if f.suffix.lower() in _SUFFIXES))
    if not found:
        raise RouteError(f"{folder}: neither {TRUTH} nor a picture ({', '.join(_SUFFIXES)})")
    return found


def read_picture(path: Path) -> Bytes:
    """(H, W, 3) RGB.

    Raises:
        RouteError: it is no picture.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except OSError as err:
        raise RouteError(f"{path}: cannot be read as a picture: {err}") from err
