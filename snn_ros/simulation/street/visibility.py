"""How much of each object a camera sees: KITTI's truncation, occlusion and difficulty."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.image_boxes import ImageBoxes, project_boxes
from snn_ros.geometry.rigid import inverse
from snn_ros.kitti.difficulty import difficulties
from snn_ros.simulation.sensors.mounts import CameraMount, pixel_directions
from snn_ros.simulation.street.ground_truth import ObjectLabels, unobstructed_shares
from snn_ros.simulation.street.kitti import occlusion_levels
from snn_ros.simulation.street.planar import FloatArray
from snn_ros.simulation.street.scene import StreetScene
from snn_ros.simulation.street.surfaces import GLASS_GROUP, NO_ACTOR, SOLID_GROUP

_RAYS = 7  # across and down the visible part of a 2D box
_REACH = 400.0  # m
_SEEN = np.array([group in (SOLID_GROUP, GLASS_GROUP) for group in range(6)], dtype=np.uint8)


@dataclass(frozen=True)
class Visibility:
    """What an image shows of N objects.

    Attributes:
        image: 2D boxes and truncation.
        occlusion: (N,) int64 KITTI's levels; unknown where an object is out of view.
        difficulty: (N,) int64 of KITTI's three, or -1.
    """

    image: ImageBoxes
    occlusion: NDArray[np.int64]
    difficulty: NDArray[np.int64]


def look(
    scene: StreetScene,
    mount: CameraMount,
    base: FloatArray,
    labels: ObjectLabels,
    *,
    occlusion: bool = True,
) -> Visibility:
    """Judge objects through a camera; rays are cast, nothing is drawn.

    Args:
        scene: everybody in place.
        mount: the camera; the scene need not have it.
        base: (4, 4) ``T_world_base``.
        labels: in the world.
        occlusion: False leaves it unknown, which is much faster.
    """
    camera = base @ mount.pose
    boxes = project_boxes(
        labels.boxes, inverse(camera), mount.intrinsics, mount.width, mount.height
    )
    shares = np.full(len(labels), np.nan)
    if occlusion and boxes.in_view.any():
        directions = _rays_through(boxes.boxes[boxes.in_view], mount) @ camera[:3, :3].T
        hit, distance = _cast(scene, camera[:3, 3], directions)
        seen = labels.select(boxes.in_view)
        shares[boxes.in_view] = unobstructed_shares(camera[:3, 3], directions, hit, distance, seen)
    levels = occlusion_levels(shares)
    return Visibility(boxes, levels, difficulties(boxes.heights, levels, boxes.truncation))


def _rays_through(boxes: FloatArray, mount: CameraMount) -> FloatArray:
    """(N, K, 3) unit vectors in the optical frame through a grid over each 2D box."""
    steps = (np.arange(_RAYS) + 0.5) / _RAYS
    u = boxes[:, None, 0] + steps * (boxes[:, None, 2] - boxes[:, None, 0])
    v = boxes[:, None, 1] + steps * (boxes[:, None, 3] - boxes[:, None, 1])
    u, v = np.repeat(u, _RAYS, axis=1), np.tile(v, _RAYS)
    return pixel_directions(mount, u, v)


def _cast(
    scene: StreetScene, origin: FloatArray, directions: FloatArray
) -> tuple[NDArray[np.int32], FloatArray]:
    """(N, K) which actor each ray meets first, ``NO_ACTOR`` for the place; and how far away."""
    count = directions.shape[0] * directions.shape[1]
    geoms, distances = np.empty(count, dtype=np.int32), np.empty(count)
    mujoco.mj_multiRay(
        scene.model, scene.data, origin, directions.ravel(), _SEEN, True, -1, geoms, distances,
        None, count, _REACH,
    )  # fmt: skip
    actors = np.where(geoms >= 0, scene.surfaces.actor[geoms], NO_ACTOR)
    distances[geoms < 0] = np.inf
    return actors.reshape(directions.shape[:2]), distances.reshape(directions.shape[:2])
