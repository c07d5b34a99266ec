"""Clouds of any LiDAR as detectors take them: brightness 0..1, what is in view, upright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import check, setting
from snn_ros.errors import SnnRosError

Floats = NDArray[np.float32]

_FULL_SCALES = (1.0, 255.0, 65535.0)
_QUANTILE = 0.99  # of the intensities: single glints may be brighter than full brightness
_STRIDE = 16  # every so many points say which scale it is
_FULL_TURN = 360.0

_ROAD_BAND = 0.4  # m above and below where the road should be
_ROAD_REACH = 30.0  # m; farther away a road need not be level
_FEWEST_POINTS = 500
_LARGE_SHARE = 0.15  # of the points near the sensor that a road has at least
_FAR_MORE = 10


class UpsideDownCloud(SnnRosError):
    """The road seems to be above the sensor: its frame is turned over."""


@dataclass(frozen=True)
class PreparationConfig:
    """What becomes of a cloud before the detector sees it."""

    intensity_scale: float = setting(
        0.0, "intensity of full brightness; 0: found from the clouds", minimum=0.0
    )
    intensity_default: float = setting(
        0.0, "brightness of points without intensity", minimum=0.0, maximum=1.0
    )
    heading: float = setting(
        0.0, "middle of the field of view, counter-clockwise from ahead", unit="deg",
        minimum=-180.0, maximum=180.0,
    )  # fmt: skip
    width: float = setting(
        _FULL_TURN, "of the field of view", unit="deg", minimum=1.0, maximum=_FULL_TURN
    )
    nearest: float = setting(
        0.0, "points nearer than this, seen from above, are the vehicle's own", unit="m",
        minimum=0.0, maximum=20.0,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """What the detector takes.

    Attributes:
        points: (N, 4) float32 x, y, z in m, brightness 0..1.
        out_of_view: points outside the field of view, or too near.
    """

    points: Floats
    out_of_view: int


class ScanPreparation:
    """Prepares one cloud after the other; finds the scale of the intensities on the way."""

    def __init__(self, config: PreparationConfig) -> None:
        """Use a configuration.

        Raises:
            ConfigurationError: naming the wrong values.
        """
        self._config = check(config)
        self._found_scale = _FULL_SCALES[0]

    @property
    def intensity_scale(self) -> float:
        """The intensity that is full brightness, as far as known."""
        return self._config.intensity_scale or self._found_scale

    def prepare(
        self, positions: Floats, intensities: Floats | None, *, whole: bool = False
    ) -> PreparedScan:
        """One cloud.

        Args:
            positions: (N, 3) float32 x, y, z in m from the sensor, z up.
            intensities: (N,) as the driver has them; None where it has none.
            whole: they are whole numbers, so 1 is not full brightness.
        """
        points = np.empty((len(positions), 4), np.float32)
        points[:, :3] = positions
        points[:, 3] = self._config.intensity_default
        if intensities is not None:
            self._learn_scale(intensities, whole)
            points[:, 3] = np.clip(intensities / np.float32(self.intensity_scale), 0.0, 1.0)
        kept = self._in_view(points)
        if kept is None:
            return PreparedScan(points, 0)
        return PreparedScan(points[kept], len(points) - int(np.count_nonzero(kept)))

    def _learn_scale(self, intensities: Floats, whole: bool) -> None:
        """Keep the smallest scale that all clouds so far fit in; it never shrinks again."""
        if not len(intensities):
            return
        bright = float(np.quantile(intensities[::_STRIDE], _QUANTILE, method="lower"))
        least = max(self._found_scale, _FULL_SCALES[1] if whole else _FULL_SCALES[0])
        fitting = (scale for scale in _FULL_SCALES if scale >= max(bright, least))
        self._found_scale = next(fitting, _FULL_SCALES[-1])

    def _in_view(self, points: Floats) -> NDArray[np.bool_] | None:
        """(N,) which points are wanted; None for all."""
        config = self._config
        if config.width >= _FULL_TURN and config.nearest == 0.0:
            return None
        x, y = points[:, 0], points[:, 1]
        kept: NDArray[np.bool_] = np.hypot(x, y) >= config.nearest
        if config.width < _FULL_TURN:
            away = np.degrees(np.arctan2(y, x)) - np.float32(config.heading)
            away = (away + _FULL_TURN / 2) % _FULL_TURN - _FULL_TURN / 2
            kept &= np.abs(away) <= config.width / 2
        return kept


def refuse_upside_down(positions: Floats, height: float) -> None:
    """Refuse a cloud that has a road above the sensor and none below.

    Args:
        positions: (N, 3) x, y, z in m from the sensor, z up.
        height: of the sensor above the road in m; a sensor lower than the band in which the road
            is looked for cannot be told from its mirror image.

    Raises:
        UpsideDownCloud: saying how many points are where.
    """
    if height <= _ROAD_BAND:
        return
    x, y, z = positions.T
    near = (np.abs(x) < _ROAD_REACH) & (np.abs(y) < _ROAD_REACH)
    above, below = (
        int(np.count_nonzero(near & (np.abs(z - level) < _ROAD_BAND)))
        for level in (height, -height)
    )
    total = int(np.count_nonzero(near))
    if above >= max(_FEWEST_POINTS, _LARGE_SHARE * total) and above > _FAR_MORE * below:
        raise UpsideDownCloud(
            f"z: {above} of {total} near points are {height:g} m above the sensor, {below} as far "
            "below: the frame is upside down; name a target_frame that is upright"
        )
