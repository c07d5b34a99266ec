"""Plain colours in one picture, so that a mesh of many colours needs one material."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.appearance import Colour

SWATCHES: dict[str, Colour] = {
    "black": (0.02, 0.02, 0.02),
    "dark": (0.10, 0.10, 0.11),
    "tyre": (0.07, 0.07, 0.07),
    "rim": (0.58, 0.59, 0.61),
    "grey": (0.36, 0.37, 0.38),
    "cargo": (0.82, 0.82, 0.80),
    "plate": (0.90, 0.90, 0.84),
    "white_lamp": (0.95, 0.95, 0.92),
    "red": (0.72, 0.05, 0.05),
    "steel": (0.42, 0.44, 0.45),
    "housing": (0.11, 0.12, 0.12),
    "lamp": (1.0, 0.93, 0.78),
    "red_light": (0.95, 0.12, 0.08),
    "amber_light": (0.95, 0.65, 0.10),
    "green_light": (0.10, 0.80, 0.35),
    "leather": (0.20, 0.13, 0.08),
    "hair_dark": (0.10, 0.07, 0.05),
    "hair_brown": (0.30, 0.19, 0.10),
    "hair_fair": (0.66, 0.52, 0.30),
    "helmet": (0.80, 0.80, 0.78),
    "skin_light": (0.86, 0.66, 0.54),
    "skin_brown": (0.55, 0.37, 0.26),
    "skin_dark": (0.33, 0.21, 0.15),
    "navy": (0.10, 0.14, 0.25),
    "jeans": (0.22, 0.30, 0.44),
    "olive": (0.30, 0.31, 0.20),
    "sand": (0.66, 0.58, 0.45),
    "coat_red": (0.60, 0.12, 0.12),
    "teal": (0.10, 0.42, 0.42),
    "shirt_white": (0.86, 0.86, 0.84),
    "yellow": (0.86, 0.72, 0.15),
    "bicycle_blue": (0.10, 0.26, 0.56),
    "bicycle_green": (0.14, 0.40, 0.22),
}

_CELLS = 6  # in a row and in a column
_CELL_SIZE = 8  # pixels
_ORDER = list(SWATCHES)


def swatch(name: str) -> tuple[float, float]:
    """Texture coordinates of a colour's middle.

    Raises:
        ValueError: there is no such colour.
    """
    row, column = divmod(_ORDER.index(name), _CELLS)
    return (column + 0.5) / _CELLS, 1.0 - (row + 0.5) / _CELLS


def swatch_image() -> NDArray[np.uint8]:
    """(48, 48, 3) picture of all colours."""
    cells = np.zeros((_CELLS * _CELLS, 3))
    cells[: len(SWATCHES)] = list(SWATCHES.values())
    picture = cells.reshape(_CELLS, _CELLS, 3).repeat(_CELL_SIZE, axis=0)
    return (picture.repeat(_CELL_SIZE, axis=1) * 255.0 + 0.5).astype(np.uint8)
