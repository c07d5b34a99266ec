import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sensor_msgs.msg import PointCloud2, PointField

from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.conversions.point_clouds import (
    read_points,
    structured_view,
    write_points,
    write_structured,
)
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadFrame, BadSize

XYZI = ("x", "y", "z", "intensity")
DATATYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}


def cloud_of(array, *, big_endian=False, row_padding=0):
    """A message of a structured (height, width) array, made without the code under test."""
    height, width = array.shape
    step = array.dtype.itemsize
    rows = np.zeros((height, width * step + row_padding), np.uint8)
    rows[:, : width * step] = (
        np.ascontiguousarray(array).view(np.uint8).reshape(height, width * step)
    )
    fields = []
    for name in array.dtype.names:
        kind, offset = array.dtype.fields[name][:2]
        fields.append(
            PointField(
                name=name,
                offset=offset,
                datatype=DATATYPES[kind.base.str[1:]],
                count=kind.shape[0] if kind.shape else 1,
            )
        )
    return PointCloud2(
        header=write_header(7, "lidar"),
        height=height,
        width=width,
        fields=fields,
        is_bigendian=big_endian,
        point_step=step,
        row_step=rows.shape[1],
        data=rows.tobytes(),
        is_dense=False,
    )


def xyzi_cloud(count=4):
    return write_points(np.arange(4 * count, dtype=np.float32).reshape(count, 4), XYZI, 7, "lidar")


points_arrays = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.just(4)),
    elements=st.floats(-1e6, 1e6, width=32),
)


@given(points_arrays)
def test_float_columns_come_back_bit_for_bit(points):
    cloud = read_points(write_points(points, XYZI, 7, "lidar"))
    assert cloud.points.tobytes() == points.tobytes()
    assert (cloud.stamp_ns, cloud.frame_id, cloud.fields) == (7, "lidar", XYZI)
    assert cloud.missing == ()
    assert cloud.non_finite == 0


def test_a_plain_cloud_is_a_read_only_view_of_the_message():
    message = xyzi_cloud()
    points = read_points(message).points
    assert not points.flags.writeable
    message.data[0:4] = byte_array(np.float32(99.0))
    assert points[0, 0] == 99.0


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", [(1, 6), (3, 2)])
@pytest.mark.parametrize("row_padding", [0, 5])
@pytest.mark.parametrize(
    "layout",
    [
        # names, types and offsets as drivers send them
        [("x", "f4", 0), ("y", "f4", 4), ("z", "f4", 8), ("intensity", "f4", 16)],  # PCL's XYZI
        [
            ("x", "f4", 0),
            ("y", "f4", 4),
            ("z", "f4", 8),
            ("intensity", "u1", 12),
            ("ring", "u2", 14),
        ],
        [("intensity", "u2", 1), ("z", "f8", 3), ("y", "f4", 11), ("x", "f4", 15)],  # unaligned
        [("z", "f4", 0), ("y", "f4", 4), ("x", "f4", 8), ("intensity", "i4", 12)],
        [("x", "i2", 0), ("y", "i2", 2), ("z", "i2", 4), ("intensity", "i1", 6)],
    ],
)
def test_any_layout_reads_as_the_same_numbers(layout, shape, order, row_padding):
    dtype = np.dtype(
        {
            "names": [name for name, _, _ in layout],
            "formats": [order + kind for _, kind, _ in layout],
            "offsets": [offset for _, _, offset in layout],
            "itemsize": 24,
        }
    )
    array = np.zeros(shape, dtype)
    for column, name in enumerate(XYZI):
        array[name] = np.arange(6).reshape(shape) + 10 * column
    message = cloud_of(array, big_endian=order == ">", row_padding=row_padding)
    expected = np.arange(6)[:, None] + 10 * np.arange(4)
    cloud = read_points(message)
    assert cloud.points.tolist() == expected.tolist()
    assert set(cloud.whole) == {name for name, kind, _ in layout if kind[0] in "iu"} & set(XYZI)
    assert structured_view(message).shape == shape


@given(st.sampled_from(list(DATATYPES)), st.integers(0, 3), st.binary(min_size=96, max_size=96))
def test_every_type_and_count_comes_back_bit_for_bit(kind, count, raw):
    dtype = np.dtype([("value", kind, (count,)) if count else ("value", kind), ("tail", "u1")])
    array = np.frombuffer(raw[: 3 * dtype.itemsize], dtype)
    view = structured_view(write_structured(array, 0, "f"))
    assert view.tobytes() == array.tobytes()
    assert view.dtype["value"].base == np.dtype(kind)


def test_points_that_are_not_finite_are_left_out_and_counted():
    points = np.ones((5, 4), np.float32)
    points[1, 0], points[2, 2], points[4, 3] = np.nan, np.inf, -np.inf
    message = write_points(points, XYZI, 0, "lidar")
    assert not message.is_dense
    cloud = read_points(message)
    assert cloud.points.tolist() == np.ones((2, 4)).tolist()
    assert cloud.non_finite == 3
    assert read_points(message, optional=()).non_finite == 2  # intensity does not matter there


def test_a_double_too_large_for_float32_counts_as_not_finite():
    array = np.zeros((1, 2), [("x", "f8"), ("y", "f8"), ("z", "f8")])
    array["y"][0, 1] = 1e300
    cloud = read_points(cloud_of(array))
    assert (len(cloud.points), cloud.non_finite) == (1, 1)


def test_missing_intensity_is_stated_not_invented():
    points = np.ones((2, 3), np.float32)
    cloud = read_points(write_points(points, ("x", "y", "z"), 0, "lidar"))
    assert cloud.points.shape == (2, 3)
    assert cloud.fields == ("x", "y", "z")
    assert cloud.missing == ("intensity",)


def test_no_points_is_a_valid_cloud():
    for shape in [(0, 0), (1, 0), (0, 5)]:
        cloud = read_points(cloud_of(np.zeros(shape, [(n, "f4") for n in XYZI])))
        assert cloud.points.shape == (0, 4)


def test_padding_fields_may_repeat_their_name():
    message = xyzi_cloud()
    for offset in (0, 4):
        message.fields.append(PointField(name="_", offset=offset, datatype=2, count=4))
    assert len(read_points(message).points) == 4


def test_a_count_of_zero_is_taken_as_one():
    message = xyzi_cloud()
    message.fields[0].count = 0
    assert len(read_points(message).points) == 4


def change(field=None, **values):
    def apply(message):
        target = message if field is None else message.fields[field]
        for name, value in values.items():
            setattr(target, name, value)

    return apply


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda m: setattr(m.header, "frame_id", ""), BadFrame, "header.frame_id"),
        (change(data=bytes(63)), BadSize, "data: 63: expected height \\* row_step 64"),
        (change(data=bytes(65)), BadSize, "data: 65"),
        (change(data=b""), BadSize, "data: 0"),
        (change(point_step=0), BadSize, "point_step: 0"),
        (change(point_step=15), BadSize, "fields.intensity.offset: 12: ends after point_step 15"),
        (change(point_step=2**32 - 1, width=0, data=b""), BadSize, "point_step: 4294967295"),
        (change(row_step=63), BadSize, "row_step: 63: less than width \\* point_step 64"),
        (change(row_step=0), BadSize, "row_step: 0"),
        (change(height=2**32 - 1), BadSize, "data: 64"),
        (change(width=2**32 - 1), BadSize, "row_step: 64"),
        (change(fields=[]), BadEncoding, "fields: \\[\\]: none"),
        (change(0, name="a"), BadEncoding, "no field 'x'"),
        (change(1, name="x"), BadEncoding, "fields: 'x': named twice"),
        (change(0, datatype=9), BadEncoding, "fields.x.datatype: 9: unknown"),
        (change(0, datatype=0), BadEncoding, "fields.x.datatype: 0: unknown"),
        (change(0, datatype=8), BadEncoding, "fields.y.offset: 4: overlaps field 'x'"),
        (change(2, offset=7), BadEncoding, "fields.z.offset: 7: overlaps field 'y'"),
        (change(3, offset=2**32 - 1), BadSize, "fields.intensity.offset: 4294967295"),
        (change(3, count=2**32 - 1), BadSize, "fields.intensity.offset: 12: ends after"),
        (change(3, datatype=2, count=4), BadEncoding, "fields.intensity.count: 4: expected 1"),
    ],
)
def test_a_cloud_that_contradicts_itself_is_refused_by_name(spoil, error, text):
    message = xyzi_cloud()
    spoil(message)
    with pytest.raises(error, match=text):
        read_points(message)


def test_claimed_sizes_without_data_allocate_nothing():
    message = xyzi_cloud()
    tracemalloc.start()
    try:
        change(height=2**32 - 1, width=0, row_step=0, data=b"")(message)
        assert len(read_points(message).points) == 0
        change(height=2**32 - 1, width=2**32 - 1, row_step=2**32 - 1)(message)
        with pytest.raises(BadSize):
            read_points(message)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_writer_refuses_what_it_would_have_to_round_or_guess():
    with pytest.raises(ValueError, match="float64"):
        write_points(np.zeros((2, 3)), ("x", "y", "z"), 0, "f")
    with pytest.raises(ValueError, match="expected float32"):
        write_points(np.zeros((2, 3), np.float32), ("x", "y"), 0, "f")
    with pytest.raises(ValueError, match="field t: int64"):
        write_structured(np.zeros(2, [("t", "i8")]), 0, "f")
