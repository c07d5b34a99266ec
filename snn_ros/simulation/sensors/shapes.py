"""The shapes of a MuJoCo model as a spinning LiDAR needs them: triangles and planes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.render import SENSED_GROUPS

_PLANE, _BOX, _MESH = (
    int(kind)
    for kind in (mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_MESH)
)
# corners of a box of half size 1, and its faces as triangles
_CORNERS = np.array(list(product((-1.0, 1.0), repeat=3)))
_FACES = np.array(
    [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
)[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


class UnsupportedShapeError(SnnRosError):
    """The model has a geom that the LiDAR cannot see."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """All geoms of a model that sensors see.

    Attributes:
        triangles: (T, 3, 3) corners of boxes and meshes, each in the frame of its geom, in m;
            those of a geom follow each other.
        geoms: (G,) ids of boxes and meshes.
        ends: (G,) index behind the last triangle of each of them.
        planes: (P,) ids of planes; they have no end, and only their front can be seen.
    """

    triangles: NDArray[np.float64]
    geoms: NDArray[np.int64]
    ends: NDArray[np.int64]
    planes: NDArray[np.int64]

    @classmethod
    def of(cls, model: Any) -> Shapes:
        """The shapes of a model.

        Raises:
            UnsupportedShapeError: a geom is neither plane, box nor mesh.
        """
        sensed = [g for g in range(model.ngeom) if SENSED_GROUPS[model.geom_group[g]]]
        solid = [g for g in sensed if model.geom_type[g] != _PLANE]
        triangles = [_triangles(model, geom) for geom in solid]
        return cls(
            np.ascontiguousarray(np.concatenate([np.empty((0, 3, 3)), *triangles])),
            np.array(solid, dtype=np.int64),
            np.cumsum([len(t) for t in triangles], dtype=np.int64),
            np.array([g for g in sensed if model.geom_type[g] == _PLANE], dtype=np.int64),
        )

    def poses(self, data: Any, pose: Transform) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where boxes and meshes are as seen from a sensor.

        Args:
            data: the ``mujoco.MjData``, its kinematics up to date.
            pose: (4, 4) ``T_world_sensor``.

        Returns:
            (G, 3, 3) rotations and (G, 3) positions of the geoms' frames in the sensor's.
        """
        return _poses(data, pose, self.geoms)

    def half_spaces(
        self, data: Any, pose: Transform
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where planes are as seen from a sensor.

        Args:
            data: the ``mujoco.MjData``, its kinematics up to date.
            pose: (4, 4) ``T_world_sensor``.

        Returns:
            (P, 3) unit normals and (P,) heights of the sensor above the planes in m.
        """
        rotations, positions = _poses(data, pose, self.planes)
        normals = np.ascontiguousarray(rotations[:, :, 2])
        return normals, -np.einsum("pi,pi->p", normals, positions)


def _triangles(model: Any, geom: int) -> NDArray[np.float64]:
    kind = model.geom_type[geom]
    if kind == _BOX:
        return (_CORNERS * model.geom_size[geom])[_FACES]
    if kind == _MESH:
        mesh = model.geom_dataid[geom]
        first_vertex, first_face = model.mesh_vertadr[mesh], model.mesh_faceadr[mesh]
        vertices = model.mesh_vert[first_vertex : first_vertex + model.mesh_vertnum[mesh]]
        faces = model.mesh_face[first_face : first_face + model.mesh_facenum[mesh]]
        return vertices[faces].astype(np.float64)
    shape = mujoco.mjtGeom(kind).name.removeprefix("mjGEOM_").lower()
    name = model.geom(geom).name or f"number {geom}"
    raise UnsupportedShapeError(f"geom {name} is a {shape}: the LiDAR sees planes, boxes, meshes")


def _poses(
    data: Any, pose: Transform, geoms: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rotations = pose[:3, :3].T @ data.geom_xmat[geoms].reshape(-1, 3, 3)
    return rotations, (data.geom_xpos[geoms] - pose[:3, 3]) @ pose[:3, :3]
