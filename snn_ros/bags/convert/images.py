"""A folder of pictures as the images of one camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snn_ros.bags.convert import messages
from snn_ros.bags.convert.sources import (
    Entry,
    Source,
    frames_in,
    read_image,
    read_numbers,
    stamps_at,
    stamps_of,
)
from snn_ros.bags.errors import ConversionError

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")


def image_folder(source: Source) -> Iterator[Entry]:
    """Pictures in the order of their names on ``/camera/image``.

    Args:
        source: the folder. ``stamps`` names a file with the time of each picture in seconds, in
            the last column if there are several; without it pictures come at ``rate``.
    """
    folder, options = source.path, source.options
    files = frames_in(folder, *_SUFFIXES)
    if not files:
        raise ConversionError(folder, f"no pictures ({', '.join(_SUFFIXES)})")
    if options.stamps:
        stamps = stamps_of(read_numbers(Path(options.stamps))[:, -1])
        if len(stamps) != len(files):
            raise ConversionError(
                options.stamps, f"{len(stamps)} stamps for the {len(files)} pictures of {folder}"
            )
    else:
        stamps = stamps_at(options.rate, len(files))
    for stamp, file in zip(stamps, files, strict=True):
        yield Entry(stamp, "/camera/image", messages.image(stamp, "camera", read_image(file)))
