"""Images as the network takes them: cut to its size, normalised, padded."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from snn_ros.errors import SnnRosError

MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)
MULTIPLE = 32
"""Rows and columns are filled up to a multiple of these many pixels."""
LARGEST = (320, 1248)
"""Rows and columns of the published size."""
_WHITE = 255.0


class ImageError(SnnRosError):
    """An image cannot be used; the text names its shape or type."""


class Crop(NamedTuple):
    """The part of an image that the network sees.

    Attributes:
        top: first row.
        left: first column.
        rows: of the part.
        columns: of the part.
    """

    top: int
    left: int
    rows: int
    columns: int

    def of(self, image: Tensor) -> Tensor:
        """The part of an image (rows, columns, ...)."""
        return image[self.top : self.top + self.rows, self.left : self.left + self.columns]

    def projection(self, projection: Tensor) -> Tensor:
        """(3, 4) of the part, of the projection (3, 4) of the whole: the centre moves along."""
        moved = torch.eye(3, dtype=projection.dtype)
        moved[0, 2], moved[1, 2] = -self.left, -self.top
        return moved @ projection


def central_crop(rows: int, columns: int, largest: tuple[int, int] = LARGEST) -> Crop:
    """The bottom rows and the middle columns, as many as the network takes."""
    kept_rows, kept_columns = min(rows, largest[0]), min(columns, largest[1])
    return Crop(rows - kept_rows, (columns - kept_columns) // 2, kept_rows, kept_columns)


def prepare_image(image: Tensor) -> Tensor:
    """(3, H, W) float32 of an image (rows, columns, 3) uint8, RGB; zeros right and below.

    Raises:
        ImageError: if it is none.
    """
    if image.dtype != torch.uint8 or image.dim() != 3 or image.shape[-1] != len(MEAN):
        raise ImageError(
            f"image {tuple(image.shape)} {image.dtype}: must be (rows, columns, 3) torch.uint8"
        )
    mean, spread = image.new_tensor(MEAN, dtype=torch.float32), torch.tensor(SPREAD)
    pixels = ((image.float() / _WHITE - mean) / spread.to(image.device)).movedim(-1, 0)
    rows, columns = pixels.shape[1:]
    return functional.pad(pixels, (0, -columns % MULTIPLE, 0, -rows % MULTIPLE))
