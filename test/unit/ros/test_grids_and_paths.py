import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.ros.conversions.grids import Grid, cells_of_probability, read_grid, write_grid
from snn_ros.ros.conversions.paths import PosePath, read_path, write_path
from snn_ros.ros.conversions.validation import BadFrame, BadSize, BadStamp, BadValue

ORIGIN = rigid_transform((-10, -20, 0), (0, 0, math.sqrt(0.5), math.sqrt(0.5)))


def grid(cells):
    return Grid(4, "map", 0.25, ORIGIN, cells)


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(-1, 100)))
def test_a_grid_survives_the_round_trip(cells):
    message = write_grid(grid(cells))
    assert (message.info.height, message.info.width) == cells.shape
    again = read_grid(message)
    assert again.cells.tobytes() == cells.tobytes()
    assert (again.stamp_ns, again.frame_id, again.resolution) == (4, "map", 0.25)
    assert np.allclose(again.origin, ORIGIN, atol=1e-12)


def test_cells_are_a_view_with_x_along_the_columns():
    message = write_grid(grid(np.zeros((2, 3), np.int8)))
    message.data[1] = 100  # row-major from the origin along x
    cells = read_grid(message).cells
    assert cells[0, 1] == 100
    assert not cells.flags.writeable


def test_an_empty_grid_is_valid():
    assert read_grid(write_grid(grid(np.zeros((0, 0), np.int8)))).cells.shape == (0, 0)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda m: setattr(m.header, "frame_id", ""), BadFrame, "header.frame_id"),
        (lambda m: setattr(m.info, "resolution", 0.0), BadValue, "info.resolution: 0.0"),
        (lambda m: setattr(m.info, "resolution", math.nan), BadValue, "info.resolution: nan"),
        (lambda m: setattr(m.info, "width", 4), BadSize, "data: 6: expected height \\* width 8"),
        (lambda m: setattr(m.info, "height", 2**32 - 1), BadSize, "data: 6"),
        (lambda m: setattr(m.info.origin.orientation, "w", 5.0), BadValue, "info.origin.orient"),
        (lambda m: m.data.__setitem__(0, 101), BadValue, "data: \\(0, 101\\): expected -1 to 100"),
        (lambda m: m.data.__setitem__(0, -2), BadValue, "data: \\(-2, 0\\)"),
    ],
)
def test_a_bad_grid_is_refused_by_name(spoil, error, text):
    message = write_grid(grid(np.zeros((2, 3), np.int8)))
    spoil(message)
    with pytest.raises(error, match=text):
        read_grid(message)


def test_cells_of_another_type_are_not_written():
    for cells in (np.zeros((2, 3)), np.zeros(6, np.int8)):
        with pytest.raises(ValueError, match="expected int8"):
            write_grid(grid(cells))


def test_probabilities_become_percent_and_nan_unknown():
    assert cells_of_probability(np.array([[0, 0.5, 1, np.nan]])).tolist() == [[0, 50, 100, -1]]
    with pytest.raises(ValueError, match="probability"):
        cells_of_probability(np.array([1.01]))


def path(count=3):
    return PosePath(
        stamp_ns=4,
        frame_id="map",
        stamps_ns=np.arange(count) * 500_000_000,
        positions=np.arange(3.0 * count).reshape(count, 3) / 7,
        quaternions=np.tile([0, 0, 0.6, 0.8], (count, 1)),
    )


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_path_survives_the_round_trip(count):
    again = read_path(write_path(path(count)))
    assert (again.stamp_ns, again.frame_id) == (4, "map")
    assert again.stamps_ns.tolist() == path(count).stamps_ns.tolist()
    assert again.positions.tobytes() == path(count).positions.tobytes()
    assert np.allclose(again.quaternions, path(count).quaternions, atol=1e-15)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda m: setattr(m.poses[1].header, "frame_id", "odom"), BadFrame, "poses\\[1\\].header"),
        (lambda m: setattr(m.poses[2].header.stamp, "nanosec", 10**9), BadStamp, "poses\\[2\\]"),
        (lambda m: setattr(m.poses[0].pose.position, "x", math.nan), BadValue, "poses\\[0\\].pose"),
        (lambda m: setattr(m.poses[0].pose.orientation, "w", 0.0), BadValue, "orientation.*norm"),
    ],
)
def test_a_bad_path_is_refused_by_name(spoil, error, text):
    message = write_path(path())
    spoil(message)
    with pytest.raises(error, match=text):
        read_path(message)


def test_poses_may_leave_the_frame_to_the_path():
    message = write_path(path())
    message.poses[0].header.frame_id = ""
    assert len(read_path(message).positions) == 3
