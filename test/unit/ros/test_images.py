import contextlib
import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as ImageFile
from sensor_msgs.msg import CompressedImage, Image

from snn_ros.ros.conversions.byte_arrays import byte_array
from snn_ros.ros.conversions.images import image_view, read_image, write_image
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadMessage, BadSize, BadStamp

SHAPES = {
    "mono8": ("u1", 1),
    "8UC1": ("u1", 1),
    "mono16": ("u2", 1),
    "16UC1": ("u2", 1),
    "32FC1": ("f4", 1),
    "bgr8": ("u1", 3),
    "8UC3": ("u1", 3),
    "rgb8": ("u1", 3),
    "bgra8": ("u1", 4),
    "rgba8": ("u1", 4),
    "bayer_rggb8": ("u1", 1),
    "bayer_bggr16": ("u2", 1),
}
BLUE, GREEN, RED = 200, 100, 50  # of a plain test image
GREY = round(0.114 * BLUE + 0.587 * GREEN + 0.299 * RED)  # ITU-R BT.601


def pixels_of(encoding, height=4, width=5, seed=0):
    dtype, channels = SHAPES[encoding]
    shape = (height, width) if channels == 1 else (height, width, channels)
    raw = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return raw.astype(dtype) if dtype != "u2" else raw.astype("u2") * 257


def plain(encoding, height=8, width=8):
    """An image all of one colour, in any 8-bit encoding."""
    values = {"b": BLUE, "g": GREEN, "r": RED, "a": 7}
    if encoding.startswith("bayer"):
        tile = [[values[c] for c in encoding[6:8]], [values[c] for c in encoding[8:10]]]
        return np.tile(np.array(tile, np.uint8), (height // 2, width // 2))
    return np.full((height, width, len(encoding) - 1), [values[c] for c in encoding[:-1]], np.uint8)


@given(
    encoding=st.sampled_from(list(SHAPES)),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_every_encoding_comes_back_bit_for_bit(encoding, height, width, seed):
    pixels = pixels_of(encoding, height, width, seed)
    view = image_view(write_image(pixels, encoding, 3, "camera"))
    assert view.dtype == pixels.dtype
    assert view.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("encoding", SHAPES)
def test_padded_rows_and_big_endian_numbers_read_the_same(encoding):
    pixels = pixels_of(encoding)
    plain_message = write_image(pixels, encoding, 3, "camera")
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(4, -1)
    message = write_image(pixels, encoding, 3, "camera")
    message.step, message.is_bigendian = rows.shape[1] + 3, True
    message.data = byte_array(np.pad(rows, ((0, 0), (0, 3)), constant_values=0xAA))
    assert np.array_equal(image_view(message), pixels)
    if encoding != "32FC1":
        for output in ("bgr", "rgb", "mono"):
            assert np.array_equal(read_image(message, output), read_image(plain_message, output))


def test_an_image_in_the_wanted_channels_is_a_read_only_view():
    message = write_image(pixels_of("bgr8"), "bgr8", 3, "camera")
    pixels = read_image(message, "bgr")
    assert not pixels.flags.writeable
    message.data[0] = 255 - message.data[0]
    assert pixels[0, 0, 0] == message.data[0]


@pytest.mark.parametrize(
    "encoding",
    ["bgr8", "rgb8", "bgra8", "rgba8"] + [f"bayer_{p}8" for p in ("rggb", "bggr", "gbrg", "grbg")],
)
def test_colours_keep_their_meaning(encoding):
    message = write_image(plain(encoding), encoding, 3, "camera")
    inner = (slice(2, -2), slice(2, -2))  # demosaicing is exact away from the border
    assert (read_image(message, "bgr")[inner] == (BLUE, GREEN, RED)).all()
    assert (read_image(message, "rgb")[inner] == (RED, GREEN, BLUE)).all()
    assert np.abs(read_image(message, "mono")[inner].astype(int) - GREY).max() <= 1


def test_sixteen_bits_are_scaled_over_the_full_range():
    pixels = np.array([[0, 257, 65535, 32768]], np.uint16)
    message = write_image(pixels, "mono16", 3, "camera")
    assert read_image(message, "mono").tolist() == [[0, 1, 255, 128]]
    assert read_image(message, "bgr")[0, 2].tolist() == [255, 255, 255]


def test_a_depth_image_keeps_its_gaps_and_becomes_no_picture():
    depth = np.array([[1.5, np.nan, np.inf]], np.float32)
    message = write_image(depth, "32FC1", 3, "camera")
    assert image_view(message).tobytes() == depth.tobytes()
    with pytest.raises(BadEncoding, match="encoding: '32FC1'"):
        read_image(message, "mono")


def compressed(pixels, extension, damage=lambda data: data):
    data = cv2.imencode(extension, pixels)[1].tobytes()
    return CompressedImage(
        header=write_header(3, "camera"), format=extension[1:], data=damage(data)
    )


@pytest.mark.parametrize(("extension", "tolerance"), [(".png", 0), (".jpg", 4)])
def test_compressed_images_decode_to_the_same_picture(extension, tolerance):
    message = compressed(plain("bgr8"), extension)
    expected = {"bgr": (BLUE, GREEN, RED), "rgb": (RED, GREEN, BLUE), "mono": GREY}
    for output, colour in expected.items():
        pixels = read_image(message, output)
        assert pixels.shape == ((8, 8) if output == "mono" else (8, 8, 3))
        assert np.abs(pixels.astype(int) - colour).max() <= max(tolerance, output == "mono")


def test_a_phone_s_note_to_turn_the_picture_is_ignored():
    exif = ImageFile.Exif()
    exif[0x0112] = 6  # orientation: to be turned by 90 degrees
    file = io.BytesIO()
    ImageFile.fromarray(plain("rgb8", 8, 16)).save(file, "JPEG", exif=exif)
    message = CompressedImage(header=write_header(3, "camera"), data=file.getvalue())
    assert read_image(message, "bgr").shape == (8, 16, 3)


def png_claiming(width, height):
    """A small valid PNG whose header names another size."""
    small = cv2.imencode(".png", np.zeros((1, 1), np.uint8))[1].tobytes()
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + small[24:29]
    return small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]


@pytest.mark.parametrize("extension", [".png", ".jpg"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: data[:1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-30],
        lambda data: bytes(len(data)),
        lambda data: b"GIF89a" + data[6:],
    ],
)
def test_a_damaged_compressed_image_is_refused_not_filled_with_grey(extension, damage):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    with pytest.raises(BadEncoding, match="data"):
        read_image(compressed(noise, extension, damage), "bgr")


@given(st.data())
def test_a_compressed_image_with_changed_bytes_is_decoded_or_refused(data):
    message = compressed(plain("bgr8"), data.draw(st.sampled_from([".png", ".jpg"])))
    for _ in range(data.draw(st.integers(1, 4))):
        message.data[data.draw(st.integers(0, len(message.data) - 1))] = data.draw(
            st.integers(0, 255)
        )
    with contextlib.suppress(BadMessage):
        assert read_image(message, "bgr").dtype == np.uint8


@pytest.mark.parametrize(
    ("side", "reason"), [(2_000, "pixels claimed by"), (2**31 - 1, "decompression bomb")]
)
def test_a_small_file_claiming_many_pixels_is_refused_before_decoding(side, reason):
    data = png_claiming(side, side)
    message = CompressedImage(header=write_header(3, "camera"), format="png", data=data)
    with pytest.raises(BadMessage, match=reason):
        read_image(message, "mono")


def change(**values):
    def apply(message):
        for name, value in values.items():
            setattr(message, name, value)

    return apply


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda m: setattr(m.header.stamp, "sec", -1), BadStamp, "header.stamp.sec: -1"),
        (change(encoding="yuv9"), BadEncoding, "encoding: 'yuv9': known are mono8"),
        (change(encoding=""), BadEncoding, "encoding: ''"),
        (change(encoding="bgra8"), BadSize, "step: 15: less than a row of 20 bytes"),
        (change(height=0), BadSize, "height: 0: expected at least 1"),
        (change(width=0), BadSize, "width: 0"),
        (change(width=6), BadSize, "step: 15: less than a row of 18 bytes"),
        (change(step=0), BadSize, "step: 0"),
        (change(data=bytes(59)), BadSize, "data: 59: expected height \\* step 60"),
        (change(data=bytes(61)), BadSize, "data: 61"),
        (change(height=2**32 - 1), BadSize, "data: 60"),
        (change(width=2**32 - 1), BadSize, "step: 15: less than a row"),
        (change(width=2**30, step=2**32 - 1), BadSize, "data: 60: expected height"),
    ],
)
def test_an_image_that_contradicts_itself_is_refused_by_name(spoil, error, text):
    message = write_image(pixels_of("bgr8"), "bgr8", 3, "camera")
    spoil(message)
    with pytest.raises(error, match=text):
        read_image(message, "bgr")


def test_a_bayer_image_too_small_to_interpolate_is_refused_not_black():
    message = write_image(np.full((2, 9), 9, np.uint8), "bayer_rggb8", 3, "camera")
    with pytest.raises(BadSize, match="at least 3 x 3"):
        read_image(message, "rgb")


def test_the_writer_refuses_pixels_that_are_not_in_the_encoding():
    for pixels, encoding in [
        (np.zeros((2, 2), np.uint8), "bgr8"),
        (np.zeros((2, 2, 3), np.uint8), "mono8"),
        (np.zeros((2, 2), np.float64), "32FC1"),
        (np.zeros(4, np.uint8), "mono8"),
    ]:
        with pytest.raises(ValueError, match=f"not {encoding}"):
            write_image(pixels, encoding, 0, "camera")
    with pytest.raises(ValueError, match="encoding: 'grey'"):
        write_image(np.zeros((2, 2), np.uint8), "grey", 0, "camera")


def test_a_default_message_is_refused():
    with pytest.raises(BadMessage):
        read_image(Image(), "bgr")
    with pytest.raises(BadMessage):
        read_image(CompressedImage(), "bgr")


def test_pixels_need_no_frame():
    message = write_image(pixels_of("bgr8"), "bgr8", 3, "")
    assert np.array_equal(read_image(message, "bgr"), pixels_of("bgr8"))
