"""Bird's-eye grids around the ego: occupancy, drivable area and lane dividers.

200 x 200 cells of 0.5 m. Frame: the flattened ego frame, ``base_link`` without roll and pitch. The
row index grows forward (x), the column index to the left (y); cell i covers
[-50 + 0.5 i, -50 + 0.5 (i + 1)) m, its centre is -49.75 + 0.5 i.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.layout import Points, RoadLayout
from snn_ros.simulation.street.planar import FloatArray, footprint_corners

CELLS = 200
CELL = 0.5
REACH = 50.0
_DIVIDER_HALF_WIDTH = 0.5  # two cells in all, as lines of nuScenes's map masks

Grid = NDArray[np.bool_]
"""(200, 200) rows forward, columns to the left."""


def cell_centres() -> FloatArray:
    """(200,) centres of the cells along either axis in m."""
    return np.arange(CELLS, dtype=np.float64) * CELL - REACH + CELL / 2


def to_ego(points: FloatArray, ego: tuple[float, float, float]) -> FloatArray:
    """(..., 2) points of the world in the flattened frame of an ego pose x, y, yaw."""
    cosine, sine = math.cos(ego[2]), math.sin(ego[2])
    dx, dy = points[..., 0] - ego[0], points[..., 1] - ego[1]
    return np.stack([dx * cosine + dy * sine, dy * cosine - dx * sine], axis=-1)


def occupancy_grid(footprints: FloatArray, ego: tuple[float, float, float]) -> Grid:
    """Cells that footprints cover, as the planner's labels are made.

    Corners are rounded to ``(p + 50) / 0.5`` and the polygon is filled, its outline included; a
    body therefore covers up to half a cell more on each side.

    Args:
        footprints: (N, 5) x, y, yaw, length, width in the world.
        ego: x, y, yaw of ``base_link`` in the world.
    """
    grid = np.zeros((CELLS, CELLS), dtype=np.uint8)
    corners = to_ego(footprint_corners(footprints), ego)
    near = (np.abs(corners) < 2.0 * REACH).all(axis=(1, 2))
    cells = np.round((corners[near] + REACH) / CELL).astype(np.int32)
    for polygon in cells:
        # OpenCV's points are (column, row)
        cv2.fillPoly(grid, [np.ascontiguousarray(polygon[:, ::-1])], 1)
    return grid.astype(np.bool_)


class MapGrids:
    """The grids of a place that do not depend on who is there.

    Args:
        layout: the place.
    """

    def __init__(self, layout: RoadLayout) -> None:
        self._polygons = layout.carriageway
        dividers = [marking.points for marking in layout.markings if marking.divider]
        pieces = [np.stack([line[:-1], line[1:]], axis=1) for line in dividers]
        self._dividers = np.concatenate([np.zeros((0, 2, 2)), *pieces])

    def drivable(self, ego: tuple[float, float, float]) -> Grid:
        """Cells whose centre is on the carriageway, for an ego pose x, y, yaw."""
        grid = np.zeros((CELLS, CELLS), dtype=np.bool_)
        for polygon in self._polygons:
            local = to_ego(polygon, ego)
            window = _window(local, 0.0)
            if window:
                rows, columns = window
                grid[rows, columns] |= _inside(local, rows, columns)
        return grid

    def lane_dividers(self, ego: tuple[float, float, float]) -> Grid:
        """Cells whose centre is within 0.5 m of a line that divides lanes."""
        grid = np.zeros((CELLS, CELLS), dtype=np.bool_)
        for piece in to_ego(self._dividers, ego):
            window = _window(piece, _DIVIDER_HALF_WIDTH)
            if window:
                rows, columns = window
                grid[rows, columns] |= _near_segment(piece, rows, columns)
        return grid


def _window(points: Points, margin: float) -> tuple[slice, slice] | None:
    """Rows and columns whose cells can be in a polygon; None where it lies beyond the grid."""
    low = np.floor((points.min(axis=0) - margin + REACH) / CELL).astype(int)
    high = np.ceil((points.max(axis=0) + margin + REACH) / CELL).astype(int)
    low, high = np.clip(low, 0, CELLS), np.clip(high, 0, CELLS)
    if (high <= low).any():
        return None
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _inside(polygon: Points, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Whether centres of a window lie in a convex counter-clockwise polygon."""
    x, y = cell_centres()[rows, None], cell_centres()[None, columns]
    inside = np.ones((x.size, y.size), dtype=np.bool_)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        dx, dy = end - start
        inside &= dx * (y - start[1]) - dy * (x - start[0]) >= 0.0
    return inside


def _near_segment(segment: Points, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Whether centres of a window are near a line from one point to another."""
    x = cell_centres()[rows, None] - segment[0, 0]
    y = cell_centres()[None, columns] - segment[0, 1]
    way = segment[1] - segment[0]
    squared = max(float(way @ way), 1e-12)
    along = np.clip((x * way[0] + y * way[1]) / squared, 0.0, 1.0)
    distance = (x - along * way[0]) ** 2 + (y - along * way[1]) ** 2
    return distance <= _DIVIDER_HALF_WIDTH**2
