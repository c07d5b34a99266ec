"""sensor_msgs/Image and CompressedImage, and arrays."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as ImageFile
from sensor_msgs.msg import CompressedImage, Image

from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.conversions.stamps import read_stamp, write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadMessage, BadSize

Output = Literal["bgr", "rgb", "mono"]

MAX_PIXELS = 1 << 26
"""Compressed images that claim more (8192 x 8192) are refused before anything is allocated."""

_SMALLEST_BAYER = 3  # pixels a side; below, OpenCV returns black
_MOST_PIXELS_PER_BYTE = 8 * 1032  # deflate packs 1032:1 at best, and a PNG may have 1-bit pixels
_COMPRESSED_FORMATS = ("JPEG", "PNG")
_LAYOUTS_OF_MODES = {"L": "GRAY", "I;16": "GRAY", "RGB": "RGB", "RGBA": "RGBA"}


@dataclass(frozen=True)
class _Encoding:
    """How the pixels of an encoding are stored.

    layout names the channels by the constants of OpenCV's colour conversions; it is empty where
    the numbers are not brightness, as in a depth image.
    """

    dtype: str
    channels: int
    layout: str


_ENCODINGS = {
    "mono8": _Encoding("u1", 1, "GRAY"),
    "mono16": _Encoding("u2", 1, "GRAY"),
    "8UC1": _Encoding("u1", 1, "GRAY"),
    "16UC1": _Encoding("u2", 1, "GRAY"),
    "32FC1": _Encoding("f4", 1, ""),
    "bgr8": _Encoding("u1", 3, "BGR"),
    "8UC3": _Encoding("u1", 3, "BGR"),
    "rgb8": _Encoding("u1", 3, "RGB"),
    "bgra8": _Encoding("u1", 4, "BGRA"),
    "rgba8": _Encoding("u1", 4, "RGBA"),
    **{
        f"bayer_{pattern}{bits}": _Encoding(f"u{bits // 8}", 1, f"Bayer{pattern.upper()}")
        for pattern in ("rggb", "bggr", "gbrg", "grbg")
        for bits in (8, 16)
    },
}
_CHANNELS = {"bgr": "BGR", "rgb": "RGB", "mono": "GRAY"}


def image_view(message: Image) -> NDArray:
    """The pixels in the memory of the message, nothing copied or converted.

    The frame is not looked at, as pixels need none: read_header asks for it.

    Returns:
        (height, width) or (height, width, channels), read-only, in the dtype and byte order of the
        message, rows strided by its step. A 32FC1 image may hold NaN and infinities (no depth).

    Raises:
        BadEncoding: an unknown encoding.
        BadSize: no pixels, rows longer than the step, or another number of bytes than
            height * step.
        BadStamp: see read_stamp.
    """
    read_stamp(message.header.stamp, "header.stamp")
    encoding = _ENCODINGS.get(message.encoding)
    if encoding is None:
        raise BadEncoding("encoding", message.encoding, f"known are {', '.join(_ENCODINGS)}")
    for field in ("height", "width"):
        if getattr(message, field) < 1:
            raise BadSize(field, getattr(message, field), "expected at least 1")
    dtype = np.dtype((">" if message.is_bigendian else "<") + encoding.dtype)
    pixel_bytes = dtype.itemsize * encoding.channels
    row_bytes = message.width * pixel_bytes
    if message.step < row_bytes:
        raise BadSize("step", message.step, f"less than a row of {row_bytes} bytes")
    if len(message.data) != message.height * message.step:
        expected = message.height * message.step
        raise BadSize("data", len(message.data), f"expected height * step {expected}")
    shape: tuple[int, ...] = (message.height, message.width)
    strides: tuple[int, ...] = (message.step, pixel_bytes)
    if encoding.channels > 1:
        shape, strides = (*shape, encoding.channels), (*strides, dtype.itemsize)
    view: NDArray = np.ndarray(shape, dtype, message.data, strides=strides)
    view.flags.writeable = False
    return view


def read_image(message: Image | CompressedImage, output: Output) -> NDArray[np.uint8]:
    """An image in the channels asked for, 8 bits each.

    Bayer patterns are demosaiced, colours weighted to grey by OpenCV, 16 bits scaled to 8, alpha
    dropped. 8UC1 and 16UC1 are taken as grey, 8UC3 as bgr, as OpenCV does.

    Args:
        message: raw (see image_view) or compressed as JPEG or PNG.
        output: channels of the result.

    Returns:
        (height, width, 3) for bgr and rgb, (height, width) for mono; read-only where it is the
        memory of the message.

    Raises:
        BadMessage: see image_view; also an encoding that has no brightness, a Bayer image of less
            than 3 x 3 pixels, a compressed image that is damaged, cut short, of another format or
            of more than MAX_PIXELS.
    """
    if isinstance(message, CompressedImage):
        return _decompress(message, output)
    pixels = image_view(message)
    layout = _ENCODINGS[message.encoding].layout
    if not layout:
        raise BadEncoding("encoding", message.encoding, f"not an image that can become {output}")
    if layout.startswith("Bayer") and min(pixels.shape) < _SMALLEST_BAYER:
        raise BadSize("height, width", pixels.shape, "a Bayer image needs at least 3 x 3")
    return _in_channels(pixels, layout, output)


def write_image(pixels: NDArray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    """An image of an array, bit for bit.

    Args:
        pixels: (height, width) or (height, width, channels) of the encoding's dtype.
        encoding: one of ROS's names, such as mono8, bgr8, 32FC1.
        stamp_ns: when it was taken.
        frame_id: the camera's optical frame.

    Raises:
        ValueError: an unknown encoding, or pixels that are not in it.
    """
    if encoding not in _ENCODINGS:
        raise ValueError(f"encoding: {encoding!r}: known are {', '.join(_ENCODINGS)}")
    stored = _ENCODINGS[encoding]
    dtype = np.dtype(stored.dtype)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype != dtype or pixels.ndim not in (2, 3) or channels != stored.channels:
        raise ValueError(f"pixels: {pixels.dtype} {pixels.shape}: not {encoding}")
    height, width = pixels.shape[:2]
    return Image(
        header=write_header(stamp_ns, frame_id),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=sys.byteorder == "big",
        step=width * channels * dtype.itemsize,
        data=byte_array(pixels),
    )


def write_jpeg(encoded: bytes, stamp_ns: int, frame_id: str) -> CompressedImage:
    """The message of a JPEG file.

    Args:
        encoded: its bytes.
        stamp_ns: when it was taken.
        frame_id: the camera's optical frame.
    """
    data = byte_array(np.frombuffer(encoded, np.uint8))
    return CompressedImage(header=write_header(stamp_ns, frame_id), format="jpeg", data=data)


def _in_channels(pixels: NDArray, layout: str, output: Output) -> NDArray[np.uint8]:
    """Pixels of 8 or 16 bits in the channels asked for; 65535 becomes 255."""
    if pixels.dtype.itemsize == 2:
        native = pixels.astype(np.uint16, copy=False)
        pixels = cv2.convertScaleAbs(native, alpha=1 / 257)
    wanted = _CHANNELS[output]
    if layout == wanted:
        return pixels
    return cv2.cvtColor(pixels, getattr(cv2, f"COLOR_{layout}2{wanted}"))


def _decompress(message: CompressedImage, output: Output) -> NDArray[np.uint8]:
    """Decode a file whose header claims a sane size.

    By Pillow, which refuses a file that is cut short. OpenCV may fill the rest of a JPEG with grey,
    and allocates whatever the length of a damaged PNG chunk says.
    """
    read_stamp(message.header.stamp, "header.stamp")
    encoded = message.data.tobytes()
    try:
        with ImageFile.open(io.BytesIO(encoded), formats=_COMPRESSED_FORMATS) as file:
            most = min(MAX_PIXELS, _MOST_PIXELS_PER_BYTE * len(encoded))
            if file.width * file.height > most:
                raise BadSize("data", file.size, f"pixels claimed by {len(encoded)} bytes")
            if output == "mono":
                file.draft("L", None)  # a JPEG need not decode its colours
            image = file if file.mode in _LAYOUTS_OF_MODES else file.convert("RGB")
            return _in_channels(np.asarray(image), _LAYOUTS_OF_MODES[image.mode], output)
    except BadMessage:
        raise
    except Exception as err:  # decoders fed damaged data raise all sorts
        raise BadEncoding("data", encoded[:8], f"no whole JPEG or PNG image ({err})") from err
