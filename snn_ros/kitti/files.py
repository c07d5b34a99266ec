"""Reading the files of a KITTI folder."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snn_ros.errors import SnnRosError

_POINT_BYTES = 16


class KittiFileError(SnnRosError):
    """A file that is absent or not in KITTI's format."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: {reason}")


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        KittiFileError: it cannot be read.
    """
    try:
        return path.read_text()
    except OSError as err:
        raise KittiFileError(path, err.strerror or str(err)) from err
    except UnicodeDecodeError as err:
        raise KittiFileError(path, "not a text file") from err


def read_scan(path: Path) -> NDArray[np.float32]:
    """(N, 4) x, y, z in m in the frame of the LiDAR, and reflectance in [0, 1].

    Raises:
        KittiFileError: the file is absent or does not hold whole points.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise KittiFileError(path, err.strerror or str(err)) from err
    if len(data) % _POINT_BYTES:
        raise KittiFileError(path, f"{len(data)} bytes are not points of {_POINT_BYTES} bytes")
    return np.frombuffer(data, "<f4").reshape(-1, 4)


def read_image_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture in pixels.

    Raises:
        KittiFileError: it is absent or no picture.
    """
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as err:
        raise KittiFileError(path, err.strerror or "cannot be read as a picture") from err
