"""A spinning multi-beam LiDAR with the flaws of a real one.

The sensor's frame has x forward, y left, z up. The head turns clockwise and begins at the back, so
it looks ahead in the middle of the sweep. This instant is the stamp of a scan: the pose and the
world given to ``Lidar.scan`` are those of then, and as in KITTI cameras are triggered then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.configuration import check, setting
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.sensors import lidar_returns as returns
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

BEAM_ELEVATIONS: dict[str, NDArray[Any]] = {
    # degrees, lowest beam first (ring 0), from the data sheets
    "hdl_64e": np.concatenate(
        [-24.0 - 1 / 3 + np.arange(32) / 2, -8.0 - 1 / 3 + np.arange(32) / 3]
    ),
    "hdl_32e": -30.67 + np.arange(32) * 4 / 3,
    "vlp_16": -15.0 + np.arange(16) * 2.0,
}

_COLUMNS_PER_BUNDLE = 16


@dataclass(frozen=True)
class LidarConfig:
    """Kind of LiDAR and size of its flaws; the defaults imitate the HDL-64E of KITTI."""

    beams: str = setting("hdl_64e", "table of beam elevations", choices=tuple(BEAM_ELEVATIONS))
    columns: int = setting(2048, "firings in a sweep", minimum=16, maximum=8192)
    rate: float = setting(10.0, "sweeps per second", unit="Hz", minimum=1.0, maximum=50.0)
    minimum_range: float = setting(0.9, "shortest range", unit="m", minimum=0.0)
    maximum_range: float = setting(120.0, "longest range", unit="m", minimum=1.0)
    range_noise: float = setting(0.02, "standard deviation of a range", unit="m", minimum=0.0)
    range_quantum: float = setting(0.002, "step of a range", unit="m", minimum=0.0)
    intensity_noise: float = setting(0.02, "standard deviation of an intensity", minimum=0.0)
    intensity_quantum: float = setting(0.01, "step of an intensity", minimum=0.0, maximum=1.0)
    reach: float = setting(
        50.0, "distance at which 10 % reflectivity is seen half the time", unit="m", minimum=1.0
    )
    reach_spread: float = setting(
        0.5, "standard deviation of the logarithm of the detection threshold", minimum=0.0
    )
    random_loss: float = setting(
        0.03, "share of returns lost for no reason", minimum=0.0, maximum=1.0
    )
    roughness: float = setting(
        0.6, "brightness at grazing incidence: 0 matt, 1 as bright as square on",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    attenuation: float = setting(0.0005, "of the air", unit="1/m", minimum=0.0)
    glass_transmission: float = setting(
        0.4, "power left after going through a window and back", minimum=0.0, maximum=1.0
    )

    def without_flaws(self) -> LidarConfig:
        """The same beams, exact, with nothing lost but what is out of range."""
        return replace(
            self,
            range_noise=0.0,
            range_quantum=0.0,
            intensity_noise=0.0,
            intensity_quantum=0.0,
            reach=1e9,
            reach_spread=0.0,
            random_loss=0.0,
            roughness=1.0,
            glass_transmission=1.0,
            attenuation=0.0,
        )


LIDARS: dict[str, LidarConfig] = {
    "hdl_64e": LidarConfig(),
    "hdl_32e": LidarConfig(beams="hdl_32e", maximum_range=100.0),
    "vlp_16": LidarConfig(beams="vlp_16", columns=1800, maximum_range=100.0),
    "nuscenes": LidarConfig(beams="hdl_32e", columns=1084, rate=20.0, maximum_range=100.0),
}
"""Presets by name."""


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
        self._caster = RayCaster(model, threads=threads)
        self._model = model
        elevations = np.radians(BEAM_ELEVATIONS[config.beams])
        self._times = ((np.arange(config.columns) + 0.5) / config.columns - 0.5) / config.rate
        self._directions = beam_directions(-2.0 * np.pi * config.rate * self._times, elevations)
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
            exclude: ids of bodies that beams pass through, such as the vehicle's own.
        """
        columns, beams, _ = self._directions.shape
        rotations, origins = _sweep(pose, velocity, self._times)
        # a bundle shares one origin; the true origin of a column is at most 8 columns away
        bundle = np.arange(columns) // _COLUMNS_PER_BUNDLE
        middle = np.minimum(bundle * _COLUMNS_PER_BUNDLE + _COLUMNS_PER_BUNDLE // 2, columns - 1)
        heads = origins[middle[::_COLUMNS_PER_BUNDLE]]
        world_directions = np.matmul(self._directions, rotations.transpose(0, 2, 1)).reshape(-1, 3)
        shift = np.einsum("cji,cj->ci", rotations, origins[middle] - origins)

        hits, through_glass = self._cast(data, heads, world_directions, bundle, beams, exclude)
        ray = np.flatnonzero(hits.geom >= 0)
        column, ring = np.divmod(ray, beams)
        # exact points of the surfaces, seen from the column's own origin
        position = hits.distance[ray, None] * self._directions.reshape(-1, 3)[ray] + shift[column]
        cosine = np.abs(np.einsum("ij,ij->i", world_directions[ray], hits.normal[ray]))
        return self._receive(
            position, cosine, hits.geom[ray], through_glass[ray], ring, self._times[column]
        )

    def _cast(
        self,
        data: Any,
        heads: NDArray[np.float64],
        directions: NDArray[np.float64],
        bundle: NDArray[np.int64],
        beams: int,
        exclude: Sequence[int],
    ) -> tuple[Hits, NDArray[np.bool_]]:
        """First hits that are not glass, and which rays went through glass."""
        hidden = np.isin(self._model.geom_bodyid, np.asarray(exclude, dtype=np.int64))
        reach = self.config.maximum_range + 1.0
        bundles = len(heads)
        ends = np.cumsum(np.bincount(bundle, minlength=bundles)) * beams
        hits = self._caster.cast(data, heads, directions, ends, reach=reach, hidden=hidden)
        through_glass = (hits.geom >= 0) & self._surfaces.glass[hits.geom]
        again = np.flatnonzero(through_glass)
        if again.size and self.config.glass_transmission > 0.0:
            ends = np.cumsum(np.bincount(bundle[again // beams], minlength=bundles))
            behind = self._caster.cast(
                data,
                heads,
                directions[again],
                ends,
                reach=reach,
                hidden=hidden | self._surfaces.glass,
            )
            hits.geom[again] = behind.geom
            hits.distance[again] = behind.distance
            hits.normal[again] = behind.normal
        else:
            hits.geom[again] = -1
        return hits, through_glass

    def _receive(
        self,
        position: NDArray[np.float64],
        cosine: NDArray[np.float64],
        geom: NDArray[np.int32],
        through_glass: NDArray[np.bool_],
        ring: NDArray[np.int64],
        time: NDArray[np.float64],
    ) -> LidarScan:
        """The returns that the receiver notices, as it measures them."""
        config, generator = self.config, self._generator
        distance = np.sqrt(np.einsum("ij,ij->i", position, position))
        reflectivity = self._surfaces.reflectivity[geom]
        power = returns.received_power(
            distance,
            cosine,
            reflectivity,
            roughness=config.roughness,
            attenuation=config.attenuation,
        )
        power = np.where(through_glass, config.glass_transmission * power, power)
        chance = (1.0 - config.random_loss) * returns.detection_probability(
            power, self._threshold, config.reach_spread
        )
        seen = generator.random(len(distance)) < chance
        seen &= (distance >= config.minimum_range) & (distance <= config.maximum_range)
        seen_at = distance[seen]
        noise = config.range_noise * generator.standard_normal(len(seen_at))
        measured = returns.quantised(seen_at + noise, config.range_quantum)
        brightness = returns.effective_reflectivity(
            cosine[seen], reflectivity[seen], config.roughness
        )
        brightness += config.intensity_noise * generator.standard_normal(len(brightness))

        points = np.empty(len(seen_at), POINT_TYPE)
        points["x"], points["y"], points["z"] = (position[seen] * (measured / seen_at)[:, None]).T
        points["intensity"] = np.clip(
            returns.quantised(brightness, config.intensity_quantum), 0.0, 1.0
        )
        points["ring"], points["time"] = ring[seen], time[seen]
        return LidarScan(points, geom[seen])


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
