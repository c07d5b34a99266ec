"""A spinning multi-beam LiDAR with the flaws of a real one.

The sensor's frame has x forward, y left, z up. The head turns clockwise and begins at the back, so
it looks ahead in the middle of the sweep. This instant is the stamp of a scan: the pose and the
world given to ``Lidar.scan`` are those of then, and as in KITTI cameras are triggered then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.configuration import check
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.sensors import lidar_returns as returns
from snn_ros.simulation.sensors.lidar_config import BEAMS, LidarConfig
from snn_ros.simulation.sensors.rays import Hits, RayCaster

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


_COLUMNS_PER_BUNDLE = 16


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


class _Echoes(NamedTuple):
    """What beams have met, one row each.

    Attributes:
        position: (N, 3) in the sensor's frame, in m.
        cosine: (N,) of the angle of incidence.
        geom: (N,) id.
        through_glass: (N,) whether the beam went through a window.
        ring: (N,).
        time: (N,) in s.
    """

    position: NDArray[np.float64]
    cosine: NDArray[np.float64]
    geom: NDArray[np.int32]
    through_glass: NDArray[np.bool_]
    ring: NDArray[np.int64]
    time: NDArray[np.float64]


def _in_order_of_firing(blocks: Sequence[_Echoes]) -> _Echoes:
    """Echoes of all blocks, by time, then ring."""
    if len(blocks) == 1:
        return blocks[0]
    joined = _Echoes._make(np.concatenate(columns) for columns in zip(*blocks, strict=True))
    order = np.argsort(joined.time, kind="stable")
    return _Echoes._make(column[order] for column in joined)


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
        self._caster = RayCaster(model, threads=threads)
        self._model = model
        self._times = ((np.arange(config.columns) + 0.5) / config.columns - 0.5) / config.rate
        azimuths = -2.0 * np.pi * config.rate * self._times
        self._blocks = [
            (block, beam_directions(azimuths, np.radians(block.elevations)))
            for block in BEAMS[config.beams]
        ]
        self._blocked = [
            meets_roof(directions, block.height, config.own_roof).reshape(-1)
            for block, directions in self._blocks
        ]
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
        rotations, origins = _sweep(pose, velocity, self._times)
        excluded = np.isin(self._model.geom_bodyid, np.asarray(exclude, dtype=np.int64))
        echoes = [
            self._cast_block(data, index, rotations, origins, excluded)
            for index in range(len(self._blocks))
        ]
        return self._receive(_in_order_of_firing(echoes))

    def _cast_block(
        self,
        data: Any,
        index: int,
        rotations: NDArray[np.float64],
        origins: NDArray[np.float64],
        excluded: NDArray[np.bool_],
    ) -> _Echoes:
        """What the beams of a block meet, apart from glass, excluded geoms and the own roof."""
        block, directions = self._blocks[index]
        first_ring = sum(len(below.elevations) for below, _ in self._blocks[:index])
        columns, beams, _ = directions.shape
        # columns of a bundle share the origin of the one in the middle; what they meet is then
        # expressed in the frame of the column's own time, so that every point is on its surface
        bundle = np.arange(columns) // _COLUMNS_PER_BUNDLE
        middle = np.minimum(bundle * _COLUMNS_PER_BUNDLE + _COLUMNS_PER_BUNDLE // 2, columns - 1)
        above = np.array([0.0, 0.0, block.height])
        heads = (origins + rotations @ above)[middle]
        shift = np.einsum("cji,cj->ci", rotations, heads - origins)
        world_directions = np.matmul(directions, rotations.transpose(0, 2, 1)).reshape(-1, 3)
        hits, through_glass = self._cast(
            data, heads[::_COLUMNS_PER_BUNDLE], world_directions, np.repeat(bundle, beams)
        )
        ray = np.flatnonzero((hits.geom >= 0) & ~excluded[hits.geom] & ~self._blocked[index])
        column, ring = np.divmod(ray, beams)
        return _Echoes(
            position=hits.distance[ray, None] * directions.reshape(-1, 3)[ray] + shift[column],
            cosine=np.abs(np.einsum("ij,ij->i", world_directions[ray], hits.normal[ray])),
            geom=hits.geom[ray],
            through_glass=through_glass[ray],
            ring=ring + first_ring,
            time=self._times[column],
        )

    def _cast(
        self,
        data: Any,
        heads: NDArray[np.float64],
        directions: NDArray[np.float64],
        bundle: NDArray[np.int64],
    ) -> tuple[Hits, NDArray[np.bool_]]:
        """First hits that are not glass, and which rays went through glass."""
        reach = self.config.maximum_range + 1.0
        ends = np.cumsum(np.bincount(bundle, minlength=len(heads)))
        hits = self._caster.cast(data, heads, directions, ends, reach=reach)
        through_glass = (hits.geom >= 0) & self._surfaces.glass[hits.geom]
        again = np.flatnonzero(through_glass)
        hits.geom[again] = -1
        if again.size and self.config.glass_transmission > 0.0:
            ends = np.cumsum(np.bincount(bundle[again], minlength=len(heads)))
            behind = self._caster.cast(
                data, heads, directions[again], ends, reach=reach, hidden=self._surfaces.glass
            )
            hits.geom[again] = behind.geom
            hits.distance[again] = behind.distance
            hits.normal[again] = behind.normal
        return hits, through_glass

    def _receive(self, echoes: _Echoes) -> LidarScan:
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
        seen = generator.random(len(distance)) < chance
        seen &= (distance >= config.minimum_range) & (distance <= config.maximum_range)
        seen_at = distance[seen]
        noise = config.range_noise * generator.standard_normal(len(seen_at))
        measured = returns.quantised(seen_at + noise, config.range_quantum)
        brightness = returns.effective_reflectivity(
            echoes.cosine[seen], reflectivity[seen], config.roughness
        )
        brightness += config.intensity_noise * generator.standard_normal(len(brightness))

        points = np.empty(len(seen_at), POINT_TYPE)
        points["x"], points["y"], points["z"] = (
            echoes.position[seen] * (measured / seen_at)[:, None]
        ).T
        points["intensity"] = np.clip(
            returns.quantised(brightness, config.intensity_quantum), 0.0, 1.0
        )
        points["ring"], points["time"] = echoes.ring[seen], echoes.time[seen]
        return LidarScan(points, echoes.geom[seen])


def beam_directions(
    azimuths: NDArray[np.float64], elevations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Unit vectors of all beams of all columns.

    Args:
        azimuths: (C,) in rad, 0 ahead, positive to the left.
        elevations: (B,) in rad, positive upwards.

    Returns:
        (C, B, 3) in the sensor's frame.
    """
    horizontal, vertical = np.cos(elevations), np.sin(elevations)
    return np.stack(
        [
            np.cos(azimuths)[:, None] * horizontal,
            np.sin(azimuths)[:, None] * horizontal,
            np.broadcast_to(vertical, (len(azimuths), len(elevations))),
        ],
        axis=-1,
    )


def meets_roof(
    directions: NDArray[np.float64], height: float, roof: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """Which beams end on a level rectangle below the sensor.

    Args:
        directions: (..., 3) of the beams.
        height: of their origin above the sensor's frame in m.
        roof: rear, front, half width and depth below the sensor's frame in m.

    Returns:
        (...) bool.
    """
    rear, front, half_width, depth = roof
    falls = directions[..., 2] < 0.0
    reach = (height + depth) / np.where(falls, -directions[..., 2], 1.0)
    x, y = reach * directions[..., 0], reach * directions[..., 1]
    return falls & (rear < x) & (x < front) & (np.abs(y) < half_width)


def _sweep(
    pose: Transform, velocity: NDArray[np.float64] | None, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(C, 3, 3) rotations and (C, 3) origins of the sensor in the world, one per column."""
    if velocity is None:
        count = len(times)
        return np.tile(pose[:3, :3], (count, 1, 1)), np.tile(pose[:3, 3], (count, 1))
    linear, angular = np.asarray(velocity[:3]), np.asarray(velocity[3:])
    turns = times[:, None] * angular
    # along the chord of the arc: its direction is that at half the turn (relative error of the
    # length turn²/24, 0.1 mm in a sweep at 15 m/s and 1 rad/s)
    moved = Rotation.from_rotvec(turns / 2).apply(times[:, None] * linear)
    rotations = pose[:3, :3] @ Rotation.from_rotvec(turns).as_matrix()
    return rotations, moved @ pose[:3, :3].T + pose[:3, 3]
