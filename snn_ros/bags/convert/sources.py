"""What all converters share: entries, options, and reading the files that data sets are made of."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.bags.errors import ConversionError
from snn_ros.configuration import setting

STATIC_TRANSFORMS, TRANSFORMS = "/tf_static", "/tf"


class Entry(NamedTuple):
    """One message to write."""

    stamp_ns: int
    topic: str
    message: Any


@dataclass(frozen=True)
class ConvertOptions:
    """What a source does not say itself."""

    rate: float = setting(
        10.0, "frames per second of a source without stamps", unit="Hz", minimum=0.001
    )
    stamps: str = setting("", "file with the stamps of an image folder, in seconds, one a line")


@dataclass(frozen=True)
class Source:
    """What to convert."""

    path: Path
    options: ConvertOptions
    left_out: Counter[str] = field(default_factory=Counter)
    """What the converter could not take over, with counts."""


Converter = Callable[[Source], Iterator[Entry]]
"""Turns a source into messages; raises ConversionError where it is not what it should be."""


def in_time_order(*streams: Iterable[Entry]) -> Iterator[Entry]:
    """Merge streams that are each in order, reading no further ahead than needed."""
    return merge(*streams, key=lambda entry: entry.stamp_ns)


def stamps_of(seconds: Iterable[float]) -> list[int]:
    """Stamps in ns of times in seconds.

    Times counted from zero are put off by one second: in ROS a zero stamp means "none".
    """
    stamps = [round(float(second) * 1e9) for second in seconds]
    return [stamp + 10**9 for stamp in stamps] if stamps and stamps[0] == 0 else stamps


def stamps_at(rate: float, count: int) -> list[int]:
    """Stamps in ns of so many frames at a steady rate."""
    return stamps_of(i / rate for i in range(count))


def frames_in(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder with one of these suffixes, by name; none if there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in suffixes)


def frame_stamp(file: Path, stamps: Sequence[int]) -> int:
    """The stamp of a file named after the number of its frame, such as 000012.png.

    Raises:
        ConversionError: the name is no number, or there is no stamp for it.
    """
    try:
        return stamps[int(file.stem)]
    except ValueError:
        raise ConversionError(file, "its name is not the number of a frame") from None
    except IndexError:
        raise ConversionError(file, f"no stamp: there are only {len(stamps)}") from None


def read_numbers(path: Path, columns: int | None = None) -> NDArray[np.float64]:
    """The rows of a text file of numbers.

    Args:
        path: numbers between spaces or commas, one row a line; a first line of names is skipped.
        columns: how many numbers a line must have.

    Returns:
        (rows, columns) float64.

    Raises:
        ConversionError: the file is absent, empty, ragged, or holds something else.
    """
    lines = read_text(path).replace(",", " ").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    if rows and any(word[:1].isalpha() for word in rows[0]):
        rows = rows[1:]
    try:
        numbers = np.array(rows, dtype=np.float64)
    except ValueError as err:
        raise ConversionError(path, f"not a table of numbers: {err}") from None
    if numbers.ndim != 2 or not np.isfinite(numbers).all():
        raise ConversionError(path, "not a table of finite numbers")
    if columns is not None and numbers.shape[1] != columns:
        raise ConversionError(path, f"{numbers.shape[1]} numbers a line, expected {columns}")
    return numbers


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ConversionError: it cannot be read.
    """
    try:
        return path.read_text()
    except OSError as err:
        raise ConversionError(path, err.strerror or str(err)) from err
    except UnicodeDecodeError as err:
        raise ConversionError(path, "not a text file") from err


def read_image(path: Path) -> NDArray[np.uint8]:
    """An 8-bit picture as (H, W) grey or (H, W, 3) blue, green, red.

    Raises:
        ConversionError: it is no picture, or has more than 8 bits or an alpha channel.
    """
    try:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as err:
        raise ConversionError(path, f"cannot be read as a picture: {err}") from err
    if pixels is None:
        raise ConversionError(path, "cannot be read as a picture")
    if pixels.dtype != np.uint8 or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ConversionError(
            path, f"{pixels.dtype} of shape {pixels.shape}; expected 8 bits, grey or colour"
        )
    return pixels


def read_points(path: Path, members: np.dtype[Any]) -> NDArray[Any]:
    """A cloud stored as rows of numbers.

    Args:
        path: little-endian binary file.
        members: structured type of a row.

    Returns:
        (N,) of that type.

    Raises:
        ConversionError: the file is absent or does not hold whole rows.
    """
    try:
        size = path.stat().st_size
        if size % members.itemsize:
            raise ConversionError(path, f"{size} bytes are not rows of {members.itemsize} bytes")
        return np.fromfile(path, members)
    except OSError as err:
        raise ConversionError(path, err.strerror or str(err)) from err


def read_table(path: Path, needed: Iterable[str]) -> NDArray[Any]:
    """A csv file with a header; what is not a number becomes NaN.

    Returns:
        (rows,) structured float64, one member per column.

    Raises:
        ConversionError: it is no such table, or columns are missing.
    """
    lines = read_text(path).splitlines()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of an empty table
            table = np.atleast_1d(np.genfromtxt(lines, delimiter=",", names=True))
    except (ValueError, UserWarning, IndexError, StopIteration) as err:
        raise ConversionError(path, f"not a csv table: {err}") from err
    if missing := [name for name in needed if name not in (table.dtype.names or ())]:
        raise ConversionError(path, f"no column {', '.join(missing)}")
    return table
