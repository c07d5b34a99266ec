"""What lens, image chip and encoder do to a picture.

Levels are 0 to 255. Light is linear, 0 to 1, and becomes ``level = 255 · light^(1 / 2.2)``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.sensors.mounts import CameraMount

GAMMA = 2.2
_STEEPEST = 12.92  # of the curve from light to level near black, as in sRGB


def transmission(mount: CameraMount, vignetting: float) -> NDArray[np.float32]:
    """Share of the light that reaches each pixel: ``cos(angle to the axis)^(4 · vignetting)``.

    Args:
        mount: the camera.
        vignetting: 0 none, 1 the natural fourth-power law.

    Returns:
        (height, width) float32, 1 at the principal point.
    """
    x = (np.arange(mount.width) - mount.cx) / mount.fx
    y = (np.arange(mount.height) - mount.cy) / mount.fy
    cosine_squared = 1.0 / (1.0 + np.square(x)[None, :] + np.square(y)[:, None])
    return np.power(cosine_squared, 2.0 * vignetting).astype(np.float32)


def exposed(image: NDArray[np.uint8], light: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """Levels of a picture taken with more or less light, before clipping.

    Args:
        image: (height, width, 3) uint8.
        light: factor on the light, a number or (height, width).
    """
    factor = np.power(np.asarray(light, dtype=np.float32), np.float32(1.0 / GAMMA))
    return image * (factor[..., None] if factor.ndim else factor)


def noise_deviation(*, gain: float, full_well: float, read_noise: float) -> NDArray[np.float32]:
    """Standard deviation of the noise at each level.

    Shot noise is Poisson in the electrons a pixel has collected, read noise is added to it, and
    gain amplifies both: ``σ² = gain · light / full_well + (gain · read_noise / full_well)²``.

    Args:
        gain: amplification; an image as bright with twice the gain had half the light.
        full_well: electrons at full light and gain 1.
        read_noise: in electrons.

    Returns:
        (256,) float32 in levels.
    """
    light = np.power(np.arange(256) / 255.0, GAMMA)
    deviation = np.sqrt(gain * light / full_well + np.square(gain * read_noise / full_well))
    with np.errstate(divide="ignore"):
        slope = np.minimum(np.power(light, 1.0 / GAMMA - 1.0) / GAMMA, _STEEPEST)
    return (255.0 * slope * deviation).astype(np.float32)


def noisy(
    levels: NDArray[np.float32], deviation: NDArray[np.float32], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Levels with noise, clipped and rounded.

    Args:
        levels: (height, width, 3) float32.
        deviation: (256,) standard deviation at each level.
        generator: where the noise comes from.
    """
    clipped = np.clip(levels, 0.0, 255.0)
    noise = generator.standard_normal(clipped.shape, dtype=np.float32)
    noise *= deviation[clipped.astype(np.uint8)]
    clipped += noise
    np.rint(clipped, out=clipped)
    return np.clip(clipped, 0.0, 255.0, out=clipped).astype(np.uint8)


def compressed(image: NDArray[np.uint8], quality: int) -> bytes:
    """A picture as JPEG.

    Args:
        image: (height, width, 3) uint8 RGB.
        quality: 1 to 100.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()


def decompressed(encoded: bytes) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB of a JPEG."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
