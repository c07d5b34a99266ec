"""From voxels to a map seen from above: a 3D hourglass, then height as channels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from snn_ros.errors import SnnRosError
from snn_ros.stereo_detection.paper.blocks import normalised_3d, rectified

VOLUME_CHANNELS = 32
HEIGHT_POOL = 4  # planes of voxels that become one
_LEVELS = 4  # planes that the hourglass needs a multiple of, to come back to where it was


class VolumeShapeError(SnnRosError):
    """A volume does not fit an hourglass with shortcuts; the text names its planes."""


class Hourglass3d(nn.Module):
    """Two resolutions down and up again.

    Args:
        constant_skips: published quirk: where shortcuts should be added, the constant 1 is. Any
            number of planes will do then, and comes back as the next multiple of four.
    """

    def __init__(self, channels: int = VOLUME_CHANNELS, *, constant_skips: bool = True) -> None:
        super().__init__()
        wide = 2 * channels
        self.constant_skips = constant_skips
        self.conv1 = rectified(normalised_3d(channels, wide, 3, stride=2, padding=1))
        self.conv2 = normalised_3d(wide, wide, 3, padding=1)
        self.conv3 = rectified(normalised_3d(wide, wide, 3, stride=2, padding=1))
        self.conv4 = rectified(normalised_3d(wide, wide, 3, padding=1))
        self.conv5 = _doubled(wide, wide)
        self.conv6 = _doubled(wide, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, C, z, y, x) to the same, not rectified.

        Raises:
            VolumeShapeError: with real shortcuts, if z, y or x is no multiple of 4.
        """
        if self.constant_skips:
            before = (self.conv2(self.conv1(x)) + 1).relu()
            return self.conv6((self.conv5(self.conv4(self.conv3(before))) + 1).relu())
        if any(size % _LEVELS for size in x.shape[2:]):
            raise VolumeShapeError(
                f"volume {tuple(x.shape[2:])}: sizes must be multiples of {_LEVELS} for shortcuts"
            )
        before = self.conv2(self.conv1(x)).relu()
        return self.conv6((self.conv5(self.conv4(self.conv3(before))) + before).relu())


def birds_eye_view(volume: Tensor) -> Tensor:
    """(batch, C * z / 4, y, x) of a volume (batch, C, z, y, x); channel = c * z / 4 + z."""
    return functional.avg_pool3d(volume, (HEIGHT_POOL, 1, 1)).flatten(1, 2)


def _doubled(in_channels: int, channels: int) -> nn.Sequential:
    layer = nn.ConvTranspose3d(
        in_channels, channels, 3, stride=2, padding=1, output_padding=1, bias=False
    )
    return nn.Sequential(layer, nn.BatchNorm3d(channels))
