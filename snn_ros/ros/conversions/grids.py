"""nav_msgs/OccupancyGrid and arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nav_msgs.msg import OccupancyGrid
from numpy.typing import NDArray

from snn_ros.geometry.rigid import Transform
from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.conversions.geometry import read_pose, write_pose
from snn_ros.ros.conversions.stamps import read_header, write_header
from snn_ros.ros.conversions.validation import BadSize, BadValue

UNKNOWN = -1
OCCUPIED = 100


@dataclass(frozen=True, eq=False)
class Grid:
    """Occupancy of square cells."""

    stamp_ns: int
    frame_id: str
    resolution: float
    """Metres a cell."""
    origin: Transform
    """(4, 4): where the outer corner of cell [0, 0] is, and how the grid is turned."""
    cells: NDArray[np.int8]
    """(rows along y, columns along x) int8: 0 free to 100 occupied, -1 unknown; read-only where it
    is the memory of the message."""


def cells_of_probability(probability: NDArray[np.floating]) -> NDArray[np.int8]:
    """Percent of an array of probabilities, NaN as unknown.

    Args:
        probability: any shape, 0 to 1 or NaN.

    Raises:
        ValueError: a number outside 0..1.
    """
    known = ~np.isnan(probability)
    if known.any() and (probability[known].min() < 0 or probability[known].max() > 1):
        raise ValueError("probability: expected 0 to 1 or NaN")
    cells = np.full(probability.shape, UNKNOWN, np.int8)
    cells[known] = np.rint(probability[known] * OCCUPIED)
    return cells


def read_grid(message: OccupancyGrid) -> Grid:
    """An occupancy grid, its cells in the memory of the message.

    Raises:
        BadStamp, BadFrame: see read_header.
        BadSize: another number of cells than width * height.
        BadValue: no resolution, a cell outside -1..100, or an origin that is no pose.
    """
    stamp_ns, frame_id = read_header(message.header)
    info = message.info
    if not (math.isfinite(info.resolution) and info.resolution > 0):
        raise BadValue("info.resolution", info.resolution, "expected more than 0")
    if len(message.data) != info.height * info.width:
        expected = info.height * info.width
        raise BadSize("data", len(message.data), f"expected height * width {expected}")
    origin = read_pose(info.origin, "info.origin")
    cells = np.frombuffer(message.data, np.int8).reshape(info.height, info.width)
    if cells.size and (cells.min() < UNKNOWN or cells.max() > OCCUPIED):
        raise BadValue("data", (int(cells.min()), int(cells.max())), "expected -1 to 100")
    cells.flags.writeable = False
    return Grid(stamp_ns, frame_id, info.resolution, origin, cells)


def write_grid(grid: Grid) -> OccupancyGrid:
    """The message of a grid.

    Raises:
        ValueError: cells are not two-dimensional int8.
    """
    if grid.cells.dtype != np.int8 or grid.cells.ndim != 2:
        raise ValueError(
            f"cells: {grid.cells.dtype} {grid.cells.shape}: expected int8 (rows, columns)"
        )
    message = OccupancyGrid(header=write_header(grid.stamp_ns, grid.frame_id))
    message.info.map_load_time = message.header.stamp
    message.info.resolution = grid.resolution
    message.info.height, message.info.width = grid.cells.shape
    message.info.origin = write_pose(grid.origin)
    message.data = byte_array(grid.cells, "b")
    return message
