"""From a small picture to whole spike counts: cells for edges of a direction, ON and OFF cells.

A pair of Gabor filters, one even and one odd, gives the energy of a direction at a pixel whatever
the phase of the edge: it survives snow that turns dark on bright into bright on dark. Energies are
averaged over squares of pixels and divided by what all directions together have there, so that
strong and faint edges count alike. ON and OFF cells are driven by how much brighter or darker than
its surroundings a smaller square is: they tell places apart whose edges are alike. All are integer
leaky integrate-and-fire cells (``spiking.integer_lif``) that see a picture for one step.

The energy and its division follow Heeger, "Normalization of cell responses in cat striate cortex"
(1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.tempo import Floats
from snn_ros.spiking.firing import spike_count

_FLOOR = 0.1  # of the division, as a share of the mean strength: faint noise stays faint
_ROUNDING = np.float32(0.01)  # grey levels; a weaker edge is rounding
_LARGEST_COUNT = 127  # counts fit int8
_FLAT = np.float32(127.5)  # level of a pixel as bright as its surroundings


class CellsError(SnnRosError):
    """Such cells cannot be made."""


@dataclass(frozen=True)
class CellsConfig:
    """Of the cells.

    Attributes:
        orientations: directions, evenly over half a turn.
        wavelength: of the filters in pixels of the picture.
        deviation: of their envelope across the edge in pixels.
        elongation: of the envelope along the edge, as a multiple of that across it.
        reach: of the filters to either side in pixels.
        square: side in pixels of what a cell for edges averages over.
        edge_gain: spikes of a cell that has all the strength of its square.
        parts: ON and OFF cells of a square, in each direction.
        contrast_gain: spikes of an ON cell whose part is a deviation brighter all over.
        max_count: most spikes of a cell.
    """

    orientations: int = 8
    wavelength: float = 4.0
    deviation: float = 1.5
    elongation: float = 5 / 3
    reach: int = 3
    square: int = 4
    edge_gain: float = 12.0
    parts: int = 2
    contrast_gain: float = 5.0
    max_count: int = 8

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            CellsError: with every wrong value.
        """
        problems = [
            f"{name} must be above 0, is {value!r}"
            for name, value in vars(self).items()
            if value <= 0
        ]
        if self.max_count > _LARGEST_COUNT:
            problems.append(f"max_count must be at most {_LARGEST_COUNT}, is {self.max_count}")
        if self.parts > 0 and self.square % self.parts:
            problems.append(f"square must be a multiple of parts, is {self.square}, {self.parts}")
        if problems:
            raise CellsError("cells: " + "; ".join(problems))

    @cached_property
    def filters(self) -> Floats:
        """(2, orientations, pixels, pixels) even and odd ones, of sum 0 and length 1.

        The first direction is that of upright edges, the others turn from there to the right.
        """
        axis = np.arange(-self.reach, self.reach + 1.0)
        angle = np.arange(self.orientations)[:, None, None] * (np.pi / self.orientations)
        x, y = axis[None, None, :], axis[None, :, None]
        across = x * np.cos(angle) + y * np.sin(angle)
        along = (y * np.cos(angle) - x * np.sin(angle)) / self.elongation
        envelope = np.exp(-0.5 * (across**2 + along**2) / self.deviation**2)
        phase = 2 * np.pi * across / self.wavelength
        pairs = np.stack([envelope * np.cos(phase), envelope * np.sin(phase)])
        pairs -= pairs.mean(axis=(2, 3), keepdims=True)
        pairs /= np.linalg.norm(pairs, axis=(2, 3), keepdims=True)
        return pairs.astype(np.float32)

    def counts(self, picture: Bytes) -> Bytes:
        """Spikes of all cells, all 0 for a flat picture.

        Args:
            picture: (H, W) patch-normalised, see ``preprocessing``; at least a square each way.

        Returns:
            (H // square, W // square, orientations + 2 parts²): the directions, then ON and OFF of
            each part, row after row.
        """
        normal = picture.astype(np.float32) - _FLAT
        charge = np.concatenate([self._edges(normal), self._contrasts(normal)], axis=2)
        return spike_count(charge, self.max_count).astype(np.uint8)

    def _edges(self, normal: Floats) -> Floats:
        padded = np.pad(normal, self.reach, mode="reflect")
        strength = _pooled_energy(padded, self.filters, self.square)
        total = np.sqrt((strength * strength).sum(axis=2, keepdims=True))
        return self.edge_gain * strength / (total + _FLOOR * total.mean() + _ROUNDING)

    def _contrasts(self, normal: Floats) -> Floats:
        rows, columns = (length // self.square for length in normal.shape)
        used = normal[: rows * self.square, : columns * self.square]
        side = self.square // self.parts
        parts = used.reshape(rows, self.parts, side, columns, self.parts, side).mean(axis=(2, 5))
        brighter = parts.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
        both = np.stack([brighter, -brighter], axis=3).reshape(rows, columns, -1)
        return both * (self.contrast_gain / _FLAT)


@njit(cache=True, fastmath={"reassoc", "contract"})
def _pooled_energy(padded: Floats, filters: Floats, square: int) -> Floats:
    """(rows, columns, orientations) mean over each square of sqrt(even² + odd²)."""
    orientations, size = filters.shape[1], filters.shape[2]
    rows = (padded.shape[0] - size + 1) // square
    columns = (padded.shape[1] - size + 1) // square
    width = columns * square
    pooled = np.zeros((rows, columns, orientations), dtype=np.float32)
    even = np.empty((orientations, width), dtype=np.float32)
    odd = np.empty((orientations, width), dtype=np.float32)
    both, difference = np.empty(width, np.float32), np.empty(width, np.float32)
    middle = size // 2
    for y in range(rows * square):
        centre = padded[y + middle, middle : middle + width]
        for o in range(orientations):
            weight = filters[0, o, middle, middle]
            for x in range(width):
                even[o, x] = weight * centre[x]
                odd[o, x] = np.float32(0.0)
        # even filters look the same from both ends, odd ones change sign: half the products do
        for k in range(size * size // 2):
            i, j = k // size, k % size
            near = padded[y + i, j : j + width]
            far = padded[y + size - 1 - i, size - 1 - j : size - 1 - j + width]
            for x in range(width):
                both[x] = near[x] + far[x]
                difference[x] = near[x] - far[x]
            for o in range(orientations):
                on_both, on_difference = filters[0, o, i, j], filters[1, o, i, j]
                for x in range(width):
                    even[o, x] += on_both * both[x]
                    odd[o, x] += on_difference * difference[x]
        for o in range(orientations):
            for x in range(width):
                even[o, x] = np.sqrt(even[o, x] * even[o, x] + odd[o, x] * odd[o, x])
            for x in range(width):
                pooled[y // square, x // square, o] += even[o, x]
    return pooled / np.float32(square * square)
