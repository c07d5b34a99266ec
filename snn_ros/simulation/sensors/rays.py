"""Many rays into a MuJoCo world at once, on a few threads; they meet geoms of ``SENSED_GROUPS``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.render import SENSED_GROUPS

_HIDDEN_GROUP = SENSED_GROUPS.index(0)


@dataclass(frozen=True)
class Hits:
    """What each ray met first.

    Attributes:
        geom: (N,) int32 geom id, -1 where a ray met nothing.
        distance: (N,) float64 in lengths of the ray's direction, -1 where it met nothing.
        normal: (N, 3) float64 unit normal of the surface in the world, 0 where it met nothing.
    """

    geom: NDArray[np.int32]
    distance: NDArray[np.float64]
    normal: NDArray[np.float64]


class RayCaster:
    """Casts bundles of rays; the answer does not depend on the number of threads."""

    def __init__(self, model: Any, *, threads: int = 2) -> None:
        """A caster for one model.

        Args:
            model: the ``mujoco.MjModel``.
            threads: how many bundles are cast at once.
        """
        self._model = model
        # MuJoCo keeps scratch memory in its data: each thread needs data of its own
        self._worlds = [mujoco.MjData(model) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rays")

    def cast(
        self,
        data: Any,
        origins: NDArray[np.float64],
        directions: NDArray[np.float64],
        ends: NDArray[np.int64],
        *,
        reach: float,
        hidden: NDArray[np.bool_] | None = None,
    ) -> Hits:
        """Cast bundles of rays, each bundle from one origin.

        Args:
            data: the ``mujoco.MjData``, its kinematics up to date.
            origins: (C, 3) of the bundles, in the world, in m.
            directions: (N, 3) C-contiguous, in the world; unit vectors give distances in m.
            ends: (C,) ascending; bundle i has the rays from ``ends[i - 1]`` to ``ends[i]``.
            reach: geoms entirely further away than this, in m, are not looked at.
            hidden: (ngeom,) geoms that rays pass through.
        """
        count = len(directions)
        hits = Hits(np.full(count, -1, np.int32), np.full(count, -1.0), np.zeros((count, 3)))
        starts = np.concatenate([[0], ends[:-1]])

        def cast_share(worker: int, bundles: NDArray[np.int64]) -> None:
            world = self._worlds[worker]
            mujoco.mj_copyData(world, self._model, data)
            for i in bundles:
                _cast_bundle(
                    self._model,
                    world,
                    origins[i],
                    directions,
                    hits,
                    slice(starts[i], ends[i]),
                    reach,
                )

        shares = np.array_split(np.flatnonzero(ends > starts), len(self._worlds))
        with _invisible(self._model, hidden):
            list(self._pool.map(cast_share, range(len(shares)), shares))
        return hits


def _cast_bundle(
    model: Any,
    world: Any,
    origin: NDArray[np.float64],
    directions: NDArray[np.float64],
    hits: Hits,
    rays: slice,
    reach: float,
) -> None:
    mujoco.mj_multiRay(
        model,
        world,
        origin,
        directions[rays].reshape(-1),
        np.array(SENSED_GROUPS, dtype=np.uint8),
        True,
        -1,
        hits.geom[rays],
        hits.distance[rays],
        hits.normal[rays].reshape(-1),
        rays.stop - rays.start,
        reach,
    )


@contextlib.contextmanager
def _invisible(model: Any, hidden: NDArray[np.bool_] | None) -> Iterator[None]:
    """Let rays pass through some geoms."""
    if hidden is None or not hidden.any():
        yield
        return
    groups = model.geom_group.copy()
    model.geom_group[hidden] = _HIDDEN_GROUP
    try:
        yield
    finally:
        model.geom_group[:] = groups
