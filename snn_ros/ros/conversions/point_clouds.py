"""sensor_msgs/PointCloud2 and arrays.

A cloud is read by its field table (name, type, offset), never by a guessed layout: a wrong stride
would give plausible nonsense.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.conversions.stamps import read_header, write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadSize

_FORMATS = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}
_DATATYPES = {np.dtype(format_).newbyteorder("="): code for code, format_ in _FORMATS.items()}
_PADDING_NAMES = ("", "_")  # the point cloud library writes padding as fields of these names
_MAX_POINT_STEP = 1 << 16  # bytes; a real point has tens


@dataclass(frozen=True, eq=False)
class PointCloud:
    """The finite points of a cloud."""

    stamp_ns: int
    frame_id: str
    points: NDArray[np.float32]
    """(N, k), one column per entry of fields; read-only where it is a view of the message."""
    fields: tuple[str, ...]
    """Names of the columns: all required ones, and the optional ones the cloud has."""
    missing: tuple[str, ...]
    """Optional fields the cloud does not have; no column stands for them."""
    whole: tuple[str, ...]
    """Names of the columns whose field holds whole numbers."""
    non_finite: int
    """Points left out because one of their columns was NaN or infinite as float32."""


def read_points(
    message: PointCloud2,
    required: Sequence[str] = ("x", "y", "z"),
    optional: Sequence[str] = ("intensity",),
) -> PointCloud:
    """The chosen fields of a cloud as float32, without the points that are not finite.

    A cloud without points is valid and gives (0, k). Values are converted to float32 as they are;
    whoever needs another scale (intensity is 0..1 or 0..255 by driver) applies it.

    Args:
        message: the cloud, of any field order, padding, byte order, organised or not.
        required: fields that must be there, the first columns of the result.
        optional: fields that may be there, the columns after them.

    Raises:
        BadMessage: see structured_view; also a required field that is missing or has count > 1.
    """
    stamp_ns, frame_id = read_header(message.header)
    cloud = structured_view(message)
    names = cloud.dtype.names or ()
    for name in required:
        if name not in names:
            raise BadEncoding("fields", names, f"no field {name!r}")
    fields = (*required, *(name for name in optional if name in names))
    for name in fields:
        if cloud.dtype[name].shape:
            raise BadEncoding(f"fields.{name}.count", cloud.dtype[name].shape[0], "expected 1")
    points = _float_columns(cloud.reshape(-1), fields)
    kept = _finite_rows(points)
    non_finite = len(points) - int(np.count_nonzero(kept))
    return PointCloud(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        points=points[kept] if non_finite else points,
        fields=fields,
        missing=tuple(name for name in optional if name not in names),
        whole=tuple(name for name in fields if cloud.dtype[name].kind in "iu"),
        non_finite=non_finite,
    )


def structured_view(message: PointCloud2) -> NDArray[np.void]:
    """The whole cloud as a structured array in the memory of the message, nothing copied.

    Returns:
        (height, width), read-only, with the message's field names, types and byte order.

    Raises:
        BadEncoding: no fields, or a field of unknown type, repeated name or overlapping bytes.
        BadSize: fields beyond the point, points beyond the row, or another number of bytes than
            height * row_step.
    """
    dtype = _point_type(message)
    height, width, row_step = message.height, message.width, message.row_step
    if row_step < width * dtype.itemsize:
        raise BadSize(
            "row_step", row_step, f"less than width * point_step {width * dtype.itemsize}"
        )
    if len(message.data) != height * row_step:
        raise BadSize("data", len(message.data), f"expected height * row_step {height * row_step}")
    view: NDArray[np.void] = np.ndarray(
        (height, width), dtype, message.data, strides=(row_step, dtype.itemsize)
    )
    view.flags.writeable = False
    return view


def write_points(
    points: NDArray[np.float32], fields: Sequence[str], stamp_ns: int, frame_id: str
) -> PointCloud2:
    """An unorganised cloud of float32 columns.

    Args:
        points: (N, k) float32.
        fields: the k names of the columns, such as x, y, z, intensity.
        stamp_ns: when the points were measured.
        frame_id: the frame they are in.

    Raises:
        ValueError: points are not (N, k), or another dtype would be rounded.
    """
    if points.dtype != np.float32 or points.ndim != 2 or points.shape[1] != len(fields):
        raise ValueError(
            f"points: {points.dtype} {points.shape}: expected float32 (N, {len(fields)})"
        )
    dtype = np.dtype([(name, np.float32) for name in fields])
    return write_structured(np.ascontiguousarray(points).view(dtype)[:, 0], stamp_ns, frame_id)


def write_structured(points: NDArray[np.void], stamp_ns: int, frame_id: str) -> PointCloud2:
    """A cloud of a structured array, every field bit for bit.

    Args:
        points: (N,), or (height, width) for an organised cloud; fields of numbers in native byte
            order, or one-dimensional arrays of them.
        stamp_ns: when the points were measured.
        frame_id: the frame they are in.

    Raises:
        ValueError: a field whose type PointCloud2 does not know.
    """
    height, width = (1, *points.shape)[-2:]
    fields = [_point_field(points.dtype, name) for name in points.dtype.names or ()]
    floats = [f.name for f in fields if f.datatype in (PointField.FLOAT32, PointField.FLOAT64)]
    return PointCloud2(
        header=write_header(stamp_ns, frame_id),
        height=height,
        width=width,
        fields=fields,
        is_bigendian=sys.byteorder == "big",
        point_step=points.dtype.itemsize,
        row_step=points.dtype.itemsize * width,
        data=byte_array(points),
        is_dense=all(bool(np.isfinite(points[name]).all()) for name in floats),
    )


def _point_type(message: PointCloud2) -> np.dtype:
    """The layout of one point, with all its claims checked against each other."""
    step = message.point_step
    if not 1 <= step <= _MAX_POINT_STEP:
        raise BadSize("point_step", step, f"expected 1 to {_MAX_POINT_STEP} bytes")
    order = ">" if message.is_bigendian else "<"
    fields = [field for field in message.fields if field.name not in _PADDING_NAMES]
    if not fields:
        raise BadEncoding("fields", [], "none")
    taken_until, previous = 0, ""
    formats: dict[str, object] = {}
    for field in sorted(fields, key=lambda field: field.offset):
        where = f"fields.{field.name}"
        if field.datatype not in _FORMATS:
            raise BadEncoding(f"{where}.datatype", field.datatype, "unknown")
        if field.name in formats:
            raise BadEncoding("fields", field.name, "named twice")
        if field.offset < taken_until:
            raise BadEncoding(f"{where}.offset", field.offset, f"overlaps field {previous!r}")
        scalar = np.dtype(order + _FORMATS[field.datatype])
        count = field.count or 1  # some drivers leave it at 0
        taken_until, previous = field.offset + scalar.itemsize * count, field.name
        if taken_until > step:
            raise BadSize(f"{where}.offset", field.offset, f"ends after point_step {step}")
        formats[field.name] = scalar if count == 1 else (scalar, (count,))
    return np.dtype(
        {
            "names": [field.name for field in fields],
            "formats": [formats[field.name] for field in fields],
            "offsets": [field.offset for field in fields],
            "itemsize": step,
        }
    )


def _point_field(dtype: np.dtype, name: str) -> PointField:
    assert dtype.fields is not None
    field_type, offset = dtype.fields[name][:2]
    if field_type.base not in _DATATYPES or field_type.ndim > 1:
        raise ValueError(f"field {name}: {field_type}: PointCloud2 has no such type")
    return PointField(
        name=name,
        offset=offset,
        datatype=_DATATYPES[field_type.base],
        count=field_type.shape[0] if field_type.shape else 1,
    )


def _float_columns(points: NDArray[np.void], fields: Sequence[str]) -> NDArray[np.float32]:
    """(N, k) float32 of some fields: a view where they are evenly spaced floats, else a copy."""
    view = _float_view(points, fields)
    if view is not None:
        return view
    columns = np.empty((len(points), len(fields)), np.float32)
    with np.errstate(over="ignore"):  # a float64 too large becomes inf and is dropped as such
        for column, name in enumerate(fields):
            columns[:, column] = points[name]
    return columns


def _float_view(points: NDArray[np.void], fields: Sequence[str]) -> NDArray[np.float32] | None:
    assert points.dtype.fields is not None
    layout = [points.dtype.fields[name] for name in fields]
    offsets = [field[1] for field in layout]
    spacing = {after - before for before, after in pairwise(offsets)}
    if any(field[0] != np.float32 for field in layout) or len(spacing) > 1:
        return None
    column = points[fields[0]]
    return np.lib.stride_tricks.as_strided(
        column,
        (len(points), len(fields)),
        (points.strides[0], spacing.pop() if spacing else column.itemsize),
        writeable=False,
    )


def _finite_rows(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N,) whether all columns are finite; by column, as reducing over short rows is slow."""
    kept = np.ones(len(points), bool)
    for column in points.T:
        kept &= np.isfinite(column)
    return kept
