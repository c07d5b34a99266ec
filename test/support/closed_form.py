"""Sensors by other ways than the simulator's own: slabs, MuJoCo's rays, the pinhole model."""

from collections.abc import Callable

import mujoco
import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.simulation.sensors.mounts import CameraMount

SOLID, SOLID_AND_GLASS = (np.array([1, glass, 0, 0, 0, 0], np.uint8) for glass in (0, 1))
"""Which groups of geoms rays meet."""


def distances_to_boxes(
    origins: np.ndarray, directions: np.ndarray, poses: np.ndarray, half_sizes: np.ndarray
) -> np.ndarray:
    """(N,) how far N rays go until they enter the first of M boxes, by slabs; inf where none.

    Args:
        origins: (N, 3), outside of all boxes.
        directions: (N, 3) unit vectors.
        poses: (M, 4, 4) ``T_world_box``.
        half_sizes: (M, 3).
    """
    nearest = np.full(len(origins), np.inf)
    for pose, half_size in zip(poses, half_sizes, strict=True):
        start = (origins - pose[:3, 3]) @ pose[:3, :3]
        way = directions @ pose[:3, :3]
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (-half_size - start) / way, (half_size - start) / way
        enter = np.fmin(one, other).max(axis=1)
        leave = np.fmax(one, other).min(axis=1)
        hit = (enter <= leave) & (enter > 0.0)
        nearest[hit] = np.minimum(nearest[hit], enter[hit])
    return nearest


def distances_to_ground(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(N,) how far rays go until they meet the plane z = 0; inf where they rise."""
    falls = directions[:, 2] < 0.0
    return np.where(falls, origins[:, 2] / -np.where(falls, directions[:, 2], -1.0), np.inf)


def random_poses(generator: np.random.Generator, count: int) -> np.ndarray:
    """(count, 4, 4) boxes' poses: any attitude, 6 to 60 m around the origin, up to 4 m high."""
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Rotation.random(count, random_state=generator.integers(2**31)).as_matrix()
    away, direction = generator.uniform(6.0, 60.0, count), generator.uniform(-np.pi, np.pi, count)
    poses[:, 0, 3], poses[:, 1, 3] = away * np.cos(direction), away * np.sin(direction)
    poses[:, 2, 3] = generator.uniform(0.0, 4.0, count)
    return poses


def cast(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    origins: np.ndarray,
    directions: np.ndarray,
    groups: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) distances and geoms that MuJoCo's rays find; inf and -1 where they meet nothing."""
    distances, geoms = np.full(len(origins), np.inf), np.full(len(origins), -1)
    met = np.zeros(1, np.int32)
    for i, (origin, direction) in enumerate(zip(origins, directions, strict=True)):
        found = mujoco.mj_ray(model, data, origin, direction, groups, True, -1, met)
        if found >= 0.0:
            distances[i], geoms[i] = found, met[0]
    return distances, geoms


def through_pixels(
    mount: CameraMount, base: Transform, columns: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays of the pinhole model: (N, 3) origins, unit directions, (N,) cosines to the axis."""
    pose = base @ mount.pose
    rays = np.stack(
        [(columns - mount.cx) / mount.fx, (rows - mount.cy) / mount.fy, np.ones(len(rows))], axis=-1
    )
    length = np.linalg.norm(rays, axis=1)
    directions = (rays / length[:, None]) @ pose[:3, :3].T
    return np.tile(pose[:3, 3], (len(rows), 1)), directions, 1.0 / length


def project(mount: CameraMount, base: Transform, points: np.ndarray) -> np.ndarray:
    """(N, 3) columns and rows in pixels, and depths in m, of (N, 3) points of the world."""
    camera = inverse(base @ mount.pose)
    x, y, z = camera[:3, :3] @ points.T + camera[:3, 3:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([mount.fx * x / z + mount.cx, mount.fy * y / z + mount.cy, z], axis=-1)


def photometric_offset(left: np.ndarray, right: np.ndarray, disparity: np.ndarray) -> float:
    """By how many pixels the pictures of a pair disagree with a disparity, all over.

    The sum of squared differences between the left picture and the right one, moved by the
    disparity and a little more, is smallest where they agree; a parabola through three sums
    finds the place.

    Args:
        left: (H, W) brightness.
        right: (H, W) brightness.
        disparity: (H, W) in pixels, NaN where the right camera does not see the same.
    """
    row, column = np.nonzero(np.isfinite(disparity))
    at = column - disparity[row, column]
    step = 0.5

    def misfit(offset: float) -> float:
        moved = _between_columns(right, row, at - offset)
        return float(np.mean(np.square(left[row, column] - moved)))

    before, here, after = misfit(-step), misfit(0.0), misfit(step)
    return step * 0.5 * (before - after) / (before - 2.0 * here + after)


def _between_columns(image: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    first = np.clip(np.floor(column).astype(int), 0, image.shape[1] - 2)
    share = column - first
    return (1.0 - share) * image[row, first] + share * image[row, first + 1]


def distance_to_mask(mask: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """How far (N, 2) columns and rows lie from the nearest pixel's square of a mask, in pixels."""
    tree = cKDTree(np.argwhere(mask)[:, ::-1])

    def distance(pixels: np.ndarray) -> np.ndarray:
        _, nearest = tree.query(pixels)
        beyond = np.maximum(np.abs(pixels - tree.data[nearest]) - 0.5, 0.0)
        return np.linalg.norm(beyond, axis=1)

    return distance
