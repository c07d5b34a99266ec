"""Cameras on a vehicle: pictures with the flaws of real ones, and what they really show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import check, setting
from snn_ros.geometry.rigid import inverse
from snn_ros.simulation.render import Renderer
from snn_ros.simulation.sensors import optics
from snn_ros.simulation.sensors.mounts import CameraMount

Label = TypeVar("Label", bound=np.generic)


@dataclass(frozen=True)
class CameraConfig:
    """Flaws of the cameras; the defaults are those of a good automotive camera by day."""

    exposure: float = setting(
        1.0, "light collected, 1 as rendered", minimum=0.01, maximum=100.0
    )  # fmt: skip
    gain: float = setting(1.0, "amplification of light and noise", minimum=0.01, maximum=100.0)
    full_well: float = setting(
        10_000.0, "electrons at full light", unit="electrons", minimum=100.0
    )  # fmt: skip
    read_noise: float = setting(8.0, "standard deviation", unit="electrons", minimum=0.0)
    vignetting: float = setting(
        0.5, "0 none, 1 the fourth power of the cosine", minimum=0.0, maximum=2.0
    )
    jpeg_quality: int = setting(
        0, "pictures go through JPEG of this quality; 0 is no JPEG", minimum=0, maximum=100
    )
    stamp_skew: float = setting(
        0.0, "standard deviation of a camera's constant error of the stamp", unit="s",
        minimum=0.0, maximum=0.1,
    )  # fmt: skip
    samples: int = setting(4, "per pixel, against jagged edges; 0 is fastest", choices=(0, 2, 4, 8))


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """The contents of ``sensor_msgs/CameraInfo``.

    Attributes:
        width: in pixels.
        height: in pixels.
        K: (3, 3) intrinsics.
        D: (5,) plumb-bob distortion, all 0.
        R: (3, 3) rectifying rotation, identity.
        P: (3, 4) projection; ``P[0, 3] = -fx · baseline`` of the right camera of a pair.
    """

    width: int
    height: int
    K: NDArray[np.float64]
    D: NDArray[np.float64]
    R: NDArray[np.float64]
    P: NDArray[np.float64]


def calibration(mount: CameraMount, reference: CameraMount | None = None) -> CameraCalibration:
    """What a perfect calibration of a camera finds.

    Args:
        mount: the camera.
        reference: the left camera, if this is the right one of a rectified pair.
    """
    K = mount.intrinsics
    from_reference = inverse(mount.pose) @ (reference or mount).pose
    P = np.column_stack([K, K @ from_reference[:3, 3]])
    return CameraCalibration(mount.width, mount.height, K, np.zeros(5), np.eye(3), P)


class CameraRig:
    """All cameras of a vehicle, drawn by one graphics context. Same seed, same bytes."""

    def __init__(
        self,
        model: Any,
        mounts: Sequence[CameraMount],
        config: CameraConfig,
        generator: np.random.Generator,
    ) -> None:
        """Cameras of a model.

        Args:
            model: the ``mujoco.MjModel``; it has a camera of the name of each mount, made with
                ``attach_camera``.
            mounts: the cameras. A camera ``right`` is the second of a pair with ``left``.
            config: flaws of all of them.
            generator: where noise and stamp errors come from.

        Raises:
            ConfigurationError: a value is out of bounds.
            RendererError: there is no off-screen renderer on this machine.
        """
        self._config = check(config)
        self._generator = generator
        self.mounts = {mount.name: mount for mount in mounts}
        self.calibrations = {
            name: calibration(mount, self.mounts.get("left") if name == "right" else None)
            for name, mount in self.mounts.items()
        }
        self.stamp_errors = {
            name: config.stamp_skew * generator.standard_normal() for name in self.mounts
        }
        """Constant error in s of the stamp of each camera."""
        amplification = config.exposure * config.gain
        self._light = {
            name: amplification * optics.transmission(mount, config.vignetting)
            for name, mount in self.mounts.items()
        }
        self._noise = optics.noise_deviation(
            gain=config.gain, full_well=config.full_well, read_noise=config.read_noise
        )
        model.vis.quality.offsamples = config.samples
        self._renderer = Renderer(
            model, width=max(m.width for m in mounts), height=max(m.height for m in mounts)
        )

    def capture(self, data: Any) -> dict[str, NDArray[np.uint8]]:
        """Trigger all cameras.

        Args:
            data: the ``mujoco.MjData`` to photograph.

        Returns:
            (height, width, 3) uint8 RGB by name of the camera.
        """
        return {name: self._photograph(data, mount) for name, mount in self.mounts.items()}

    def render(self, data: Any) -> dict[str, NDArray[np.uint8]]:
        """What all cameras would see without flaws, by name."""
        return {name: self._frame(data, mount) for name, mount in self.mounts.items()}

    def _frame(self, data: Any, mount: CameraMount) -> NDArray[np.uint8]:
        return self._renderer.frame(data, mount.name, size=(mount.width, mount.height))

    def _photograph(self, data: Any, mount: CameraMount) -> NDArray[np.uint8]:
        levels = optics.exposed(self._frame(data, mount), self._light[mount.name])
        image = optics.noisy(levels, self._noise, self._generator)
        quality = self._config.jpeg_quality
        return optics.decompressed(optics.compressed(image, quality)) if quality else image

    def depth(self, data: Any, name: str) -> NDArray[np.float32]:
        """True depth: (height, width) float32 along the optical axis in m, inf in the sky."""
        return self._measure(data, name)[0]

    def labels(
        self, data: Any, name: str, of_geom: NDArray[Label], *, background: int
    ) -> NDArray[Label]:
        """True class, or actor, of each pixel.

        Args:
            data: the ``mujoco.MjData`` to look at.
            name: of the camera.
            of_geom: (ngeom,) the label of each geom.
            background: the label where there is no geom.

        Returns:
            (height, width) of the type of ``of_geom``.
        """
        geoms = self._measure(data, name)[1]
        labels = of_geom[geoms]
        labels[geoms < 0] = background
        return labels

    def disparity(self, data: Any) -> NDArray[np.float32]:
        """True disparity of the pair: (height, width) float32 of ``left`` in pixels, 0 in the sky.

        Raises:
            KeyError: the rig has no cameras ``left`` and ``right``.
        """
        return (-self.calibrations["right"].P[0, 3] / self.depth(data, "left")).astype(np.float32)

    def _measure(self, data: Any, name: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        mount = self.mounts[name]
        return self._renderer.depth_and_geoms(data, name, size=(mount.width, mount.height))

    def close(self) -> None:
        """Free the graphics context."""
        self._renderer.close()

    def __enter__(self) -> CameraRig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
