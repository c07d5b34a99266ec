"""A spinning multi-beam LiDAR with the flaws of a real one.

The sensor's frame has x forward, y left, z up. The head turns clockwise and begins at the back, so
it looks ahead in the middle of the sweep. This instant is the stamp of a scan: the pose and the
world given to ``Lidar.scan`` are those of then, and as in KITTI cameras are triggered then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import check
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.sensors import lidar_returns as returns
from snn_ros.simulation.sensors.lidar_config import BEAMS, LidarConfig
from snn_ros.simulation.sensors.sweep import Echoes, Sweep

POINT_TYPE = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("intensity", "<f4"),
        ("ring", "<u2"),
        ("time", "<f4"),
    ]
)
"""A point as drivers of spinning LiDARs publish it: 22 bytes, m and s."""


class Surfaces(Protocol):
    """What the LiDAR must know of the geoms of a world, by geom id."""

    @property
    def reflectivity(self) -> NDArray[np.float32]:
        """(ngeom,) 0 to 1 at 905 nm; from ``RETRO_REFLECTIVE`` on a retro-reflector."""

    @property
    def glass(self) -> NDArray[np.bool_]:
        """(ngeom,) beams go through and nothing comes back."""


@dataclass(frozen=True)
class LidarScan:
    """The returns of one sweep, in the order of firing.

    Attributes:
        points: (N,) of ``POINT_TYPE``: position in the sensor's frame at the time of the firing,
            intensity 0 to 1, ring 0 lowest, time in s from the stamp (negative in the first half).
        geom: (N,) int32 id of the geom each point lies on, for labels.
    """

    points: NDArray[np.void]
    geom: NDArray[np.int32]

    @property
    def positions(self) -> NDArray[np.float32]:
        """(N, 3) x, y, z in m."""
        return np.stack([self.points[axis] for axis in "xyz"], axis=-1)


class Lidar:
    """Sweeps of a world. Same seed, same bytes."""

    def __init__(
        self,
        model: Any,
        config: LidarConfig,
        surfaces: Surfaces,
        generator: np.random.Generator,
        *,
        threads: int = 2,
    ) -> None:
        """A LiDAR in one world.

        Args:
            model: the ``mujoco.MjModel``.
            config: beams and flaws.
            surfaces: of the model's geoms.
            generator: where noise and losses come from.
            threads: for the rays; the scans do not depend on it.

        Raises:
            ConfigurationError: a value is out of bounds.
        """
        self.config = check(config)
        self._surfaces = surfaces
        self._generator = generator
        self._model = model
        self._sweep = Sweep(
            model,
            BEAMS[config.beams],
            columns=config.columns,
            rate=config.rate,
            glass=surfaces.glass,
            threads=threads,
        )
        self._blocked = meets_roof(self._sweep, config.own_roof)
        self._threshold = returns.threshold_for(config.reach, config.attenuation)

    def scan(
        self,
        data: Any,
        pose: Transform,
        *,
        velocity: NDArray[np.float64] | None = None,
        exclude: Sequence[int] = (),
    ) -> LidarScan:
        """One sweep.

        With a velocity each column is cast from where the sensor is at its time, at constant
        velocity and turn rate. Other things stand still for the time of the sweep, where they are
        in its middle.

        Args:
            data: the ``mujoco.MjData``, its kinematics up to date, in the middle of the sweep.
            pose: (4, 4) ``T_world_lidar`` in the middle of the sweep.
            velocity: (6,) linear in m/s and angular in rad/s in the sensor's frame; None casts
                all columns from the one pose, as after perfect motion compensation.
            exclude: ids of bodies whose returns are cut out, such as the vehicle's own; they
                still keep beams from what is behind them.
        """
        echoes = self._sweep.cast(data, pose, velocity)
        cut_out = np.isin(self._model.geom_bodyid[echoes.geom], np.asarray(exclude, dtype=np.int64))
        cut_out |= self._blocked[echoes.column, echoes.ring]
        return self._receive(echoes, ~cut_out)

    def _receive(self, echoes: Echoes, free: NDArray[np.bool_]) -> LidarScan:
        """The returns that the receiver notices, as it measures them."""
        config, generator = self.config, self._generator
        distance = np.sqrt(np.einsum("ij,ij->i", echoes.position, echoes.position))
        reflectivity = self._surfaces.reflectivity[echoes.geom]
        power = returns.received_power(
            distance,
            echoes.cosine,
            reflectivity,
            roughness=config.roughness,
            attenuation=config.attenuation,
        )
        power = np.where(echoes.through_glass, config.glass_transmission * power, power)
        chance = (1.0 - config.random_loss) * returns.detection_probability(
            power, self._threshold, config.reach_spread
        )
        seen = free & (generator.random(len(distance)) < chance)
        seen &= (distance >= config.minimum_range) & (distance <= config.maximum_range)
        seen_at = distance[seen]
        noise = config.range_noise * generator.standard_normal(len(seen_at))
        measured = returns.quantised(seen_at + noise, config.range_quantum)
        brightness = returns.effective_reflectivity(
            echoes.cosine[seen], reflectivity[seen], config.roughness
        )
        # drivers and KITTI's files hold readings corrected for distance
        intensity = config.intensity_gain * np.power(brightness, config.intensity_exponent)
        intensity += config.intensity_noise * generator.standard_normal(len(intensity))

        points = np.empty(len(seen_at), POINT_TYPE)
        points["x"], points["y"], points["z"] = (
            echoes.position[seen] * (measured / seen_at)[:, None]
        ).T
        points["intensity"] = np.clip(
            returns.quantised(intensity, config.intensity_quantum), 0.0, 1.0
        )
        points["ring"], points["time"] = echoes.ring[seen], self._sweep.times[echoes.column[seen]]
        return LidarScan(points, echoes.geom[seen].astype(np.int32))


def meets_roof(sweep: Sweep, roof: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Which beams end on a level rectangle below the sensor.

    Args:
        sweep: the beams.
        roof: rear, front, half width and depth below the sensor's frame in m.

    Returns:
        (columns, beams) bool.
    """
    rear, front, half_width, depth = roof
    falls = sweep.tangents < 0.0
    away = (sweep.heights + depth) / np.where(falls, -sweep.tangents, 1.0)
    x = np.cos(sweep.azimuths)[:, None] * away
    y = np.sin(sweep.azimuths)[:, None] * away
    return falls & (rear < x) & (x < front) & (np.abs(y) < half_width)
