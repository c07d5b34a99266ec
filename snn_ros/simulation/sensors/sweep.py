"""One turn of a spinning LiDAR's head: what each beam meets first."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.sensors import sweep_kernels
from snn_ros.simulation.sensors.lidar_config import BeamBlock
from snn_ros.simulation.sensors.shapes import Shapes


@dataclass(frozen=True, eq=False)
class Echoes:
    """What beams have met, in the order of firing, lower beams first.

    Attributes:
        column: (N,) of the beam, 0 the first.
        ring: (N,) of the beam, 0 the lowest.
        position: (N, 3) in the sensor's frame at the time of the column, in m.
        geom: (N,) id.
        cosine: (N,) of the angle of incidence.
        through_glass: (N,) whether the beam went through a window.
    """

    column: NDArray[np.int64]
    ring: NDArray[np.int64]
    position: NDArray[np.float64]
    geom: NDArray[np.int64]
    cosine: NDArray[np.float64]
    through_glass: NDArray[np.bool_]


class Sweep:
    """Beams in columns, cast one column after the other by a head that turns clockwise.

    It begins at the back and looks ahead in the middle. The answer does not depend on threads.
    """

    def __init__(
        self,
        model: Any,
        blocks: Sequence[BeamBlock],
        *,
        columns: int,
        rate: float,
        glass: NDArray[np.bool_],
        threads: int = 2,
    ) -> None:
        """Beams in one world.

        Args:
            model: the ``mujoco.MjModel``.
            blocks: the beams of a column, from below.
            columns: in a turn.
            rate: turns per second.
            glass: (ngeom,) geoms that beams go through.
            threads: that share the triangles.

        Raises:
            UnsupportedShapeError: the model has a geom that is neither plane, box nor mesh.
        """
        self._shapes = Shapes.of(model)
        counts = np.diff(self._shapes.ends, prepend=0)
        self._geom_of = np.concatenate(
            [np.repeat(self._shapes.geoms, counts), self._shapes.planes]
        )  # of triangles, then planes
        self._is_glass = glass[self._geom_of[: len(self._shapes.triangles)]]
        self._placed = np.empty_like(self._shapes.triangles)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sweep")
        self._margin = columns // 8
        self._columns = columns
        steps = np.arange(-self._margin, columns + self._margin)
        self._all_times = ((steps + 0.5) / columns - 0.5) / rate
        self._azimuths = -2.0 * np.pi * rate * self._all_times
        self.tangents = np.tan(np.radians(np.concatenate([b.elevations for b in blocks])))
        ends = np.cumsum([len(block.elevations) for block in blocks])
        self._blocks = np.array(
            [
                (end - len(block.elevations), end, block.height)
                for block, end in zip(blocks, ends, strict=True)
            ]
        )
        self.heights = np.repeat([b.height for b in blocks], [len(b.elevations) for b in blocks])
        self.azimuths = self._azimuths[self._margin : self._margin + columns]
        self.times = self._all_times[self._margin : self._margin + columns]

    def cast(
        self, data: Any, pose: Transform, velocity: NDArray[np.float64] | None = None
    ) -> Echoes:
        """What all beams meet.

        Args:
            data: the ``mujoco.MjData``, its kinematics up to date.
            pose: (4, 4) ``T_world_sensor`` in the middle of the sweep.
            velocity: (6,) linear in m/s and angular in rad/s in the sensor's frame, constant in
                the sweep; none by default.
        """
        motion = np.zeros(6) if velocity is None else np.asarray(velocity, dtype=np.float64)
        rotations, origins = self._path(motion)
        frames = self._column_frames(rotations)
        normals, heights = self._shapes.half_spaces(data, pose)
        reach, met, pane = self._draw(data, pose, motion, frames, origins)
        sweep_kernels.draw_planes(
            normals, heights, len(self._placed), frames, origins, self._margin, self._blocks,
            self.tangents, reach, met,
        )  # fmt: skip
        column, ring = np.nonzero(met != sweep_kernels.NOTHING)
        index, away = met[column, ring], reach[column, ring]
        tangent = self.tangents[ring]
        cosine = np.empty(len(index))
        sweep_kernels.incidence(
            self._placed, normals, frames, self._margin, column, tangent, index, cosine
        )
        azimuth = self.azimuths[column]
        position = np.column_stack(
            [away * np.cos(azimuth), away * np.sin(azimuth), self.heights[ring] + tangent * away]
        )
        glass = pane[column, ring] < away
        return Echoes(column, ring, position, self._geom_of[index], cosine, glass)

    def _path(self, motion: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rotations and origins of the sensor's frame in that of the middle, per column."""
        times = self._all_times[:, None]
        turns = times * motion[3:]
        # along the chord of the arc: its direction is that at half the turn (relative error of the
        # length turn²/24, 0.1 mm in a sweep at 15 m/s and 1 rad/s)
        origins = Rotation.from_rotvec(turns / 2).apply(times * motion[:3])
        return Rotation.from_rotvec(turns).as_matrix(), origins

    def _column_frames(self, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rotations from the frame of the middle to the columns': away, left, up."""
        to_column = Rotation.from_euler("z", -self._azimuths[:, None]).as_matrix()
        return np.matmul(to_column, rotations.transpose(0, 2, 1))

    def _draw(
        self,
        data: Any,
        pose: Transform,
        motion: NDArray[np.float64],
        frames: NDArray[np.float64],
        origins: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Distance along the ground, and index, of the triangle each beam meets; and of glass."""
        rotations, positions = self._shapes.poses(data, pose)
        half_sweep = self.times[-1]
        drift = half_sweep * float(np.linalg.norm(motion[:3]))
        tilt = half_sweep * float(np.linalg.norm(motion[3:5]))
        bounds = np.linspace(0, len(self._placed), self._threads + 1).astype(np.int64)

        def draw_share(share: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
            size = (self._columns, len(self.tangents))
            reach, pane = np.full(size, np.inf), np.full(size, np.inf)
            met = np.full(size, sweep_kernels.NOTHING, dtype=np.int64)
            first, last = bounds[share], bounds[share + 1]
            sweep_kernels.place(
                self._shapes.triangles, self._shapes.ends, rotations, positions, first, last,
                self._placed,
            )  # fmt: skip
            sweep_kernels.draw(
                self._placed, first, last, self._is_glass, frames, origins, self._margin,
                self._blocks, self.tangents, drift, tilt, reach, met, pane,
            )  # fmt: skip
            return reach, met, pane

        drawings = list(self._pool.map(draw_share, range(self._threads)))
        for other in drawings[1:]:
            sweep_kernels.merge(*drawings[0], *other)
        return drawings[0]
