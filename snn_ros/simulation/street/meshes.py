"""Triangles with normals and texture coordinates, and the solids that streets are built of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles whose corners are counter-clockwise seen from outside.

    Attributes:
        corners: (T, 3, 3) positions in m.
        normals: (T, 3, 3) unit vectors.
        texture: (T, 3, 2) texture coordinates; 1 is one repetition.
    """

    corners: Floats
    normals: Floats
    texture: Floats

    def moved(self, offset: ArrayLike, yaw: float = 0.0) -> Mesh:
        """Turned by ``yaw`` (rad) about z, then shifted by ``offset`` (m)."""
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return Mesh(self.corners @ turn.T + np.asarray(offset), self.normals @ turn.T, self.texture)

    def scaled(self, factors: ArrayLike) -> Mesh:
        """Stretched along the axes by positive ``factors``."""
        factors = np.asarray(factors, dtype=np.float64)
        return Mesh(self.corners * factors, _unit(self.normals / factors), self.texture)

    def mirrored(self) -> Mesh:
        """Seen in the plane y = 0."""
        flip = np.array([1.0, -1.0, 1.0])
        order = [0, 2, 1]
        return Mesh(
            (self.corners * flip)[:, order], (self.normals * flip)[:, order], self.texture[:, order]
        )

    def textured(self, point: ArrayLike) -> Mesh:
        """With the texture's colour at one ``point`` (2,) all over."""
        return Mesh(
            self.corners, self.normals, np.broadcast_to(np.asarray(point), self.texture.shape)
        )

    def two_sided(self) -> Mesh:
        """With its inside visible too."""
        order = [0, 2, 1]
        back = Mesh(self.corners[:, order], self.normals[:, order], self.texture[:, order])
        return merged([self, back])

    @property
    def bounds(self) -> Floats:
        """(2, 3) smallest and largest coordinates."""
        points = self.corners.reshape(-1, 3)
        return np.stack([points.min(axis=0), points.max(axis=0)])


def merged(meshes: Iterable[Mesh]) -> Mesh:
    """One mesh of several."""
    parts = list(meshes)
    if not parts:
        return Mesh(np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), np.zeros((0, 3, 2)))
    return Mesh(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.texture for part in parts]),
    )


def flat_faces(corners: ArrayLike, texture: ArrayLike | None = None) -> Mesh:
    """Triangles (T, 3, 3) with sharp edges; texture coordinates (T, 3, 2) are 0 by default."""
    corners = np.asarray(corners, dtype=np.float64)
    edges = corners[:, 1:] - corners[:, :1]
    normals = _unit(np.cross(edges[:, 0], edges[:, 1]))
    if texture is None:
        texture = np.zeros((*corners.shape[:2], 2))
    return Mesh(
        corners,
        np.repeat(normals[:, None], 3, axis=1),
        np.asarray(texture, dtype=np.float64),
    )


def quads(corners: ArrayLike, texture: ArrayLike | None = None) -> Mesh:
    """Flat quadrilaterals (Q, 4, 3), counter-clockwise, with texture coordinates (Q, 4, 2)."""
    corners = np.asarray(corners, dtype=np.float64)
    halves = ([0, 1, 2], [0, 2, 3])
    triangles = np.concatenate([corners[:, half] for half in halves])
    if texture is None:
        return flat_faces(triangles)
    texture = np.broadcast_to(np.asarray(texture, dtype=np.float64), (*corners.shape[:2], 2))
    return flat_faces(triangles, np.concatenate([texture[:, half] for half in halves]))


def box(size: Sequence[float], centre: Sequence[float] = (0.0, 0.0, 0.0)) -> Mesh:
    """A box of full ``size`` (x, y, z) around ``centre``, in m."""
    x, y, z = (
        np.array([-0.5, 0.5])[:, None] * np.asarray(size, float) + np.asarray(centre, float)
    ).T
    low = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
    sides = [
        [(*a, z[0]), (*b, z[0]), (*b, z[1]), (*a, z[1])]
        for a, b in zip(low, low[1:] + low[:1], strict=True)
    ]
    top = [(*p, z[1]) for p in low]
    bottom = [(*p, z[0]) for p in reversed(low)]
    return quads([*sides, top, bottom], [(0, 0), (1, 0), (1, 1), (0, 1)])


def loft(rings: ArrayLike, *, capped: bool = True, crease: float = 0.7) -> Mesh:
    """A skin over closed cross-sections.

    Args:
        rings: (N, K, 3) points. Seen against the direction from the first ring to the last they
            run counter-clockwise.
        capped: close both ends.
        crease: edges whose faces' normals have a smaller inner product stay sharp.

    Returns:
        The mesh; texture runs 0 to 1 around (u) and along (v).
    """
    rings = np.asarray(rings, dtype=np.float64)
    skin = _skin(rings)
    if capped:
        skin = merged([skin, _cap(rings[0][::-1]), _cap(rings[-1])])
    return smoothed(skin, crease)


def tube(start: ArrayLike, end: ArrayLike, radii: tuple[float, float], sides: int = 6) -> Mesh:
    """A round bar from ``start`` to ``end`` (m) whose radius goes from one to the other."""
    start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    circle = _circle(end - start, sides)
    return loft([start + radii[0] * circle, end + radii[1] * circle])


def disc(centre: ArrayLike, normal: ArrayLike, radius: float, sides: int = 14) -> Mesh:
    """A flat disc seen from where ``normal`` points."""
    return _cap(np.asarray(centre) + radius * _circle(np.asarray(normal, dtype=np.float64), sides))


def ellipsoid(half_sizes: Sequence[float], centre: Sequence[float], detail: int = 6) -> Mesh:
    """An ellipsoid around ``centre`` with ``2 * detail`` faces around."""
    polar = np.linspace(-np.pi / 2, np.pi / 2, detail + 1)
    angle = np.linspace(0.0, 2 * np.pi, 2 * detail, endpoint=False)
    level = np.cos(polar)[:, None]
    rings = np.stack(
        [
            level * np.cos(angle),
            level * np.sin(angle),
            np.repeat(np.sin(polar)[:, None], 2 * detail, 1),
        ],
        axis=-1,
    )
    sphere = _skin(rings)
    sphere = Mesh(sphere.corners, _unit(sphere.corners), sphere.texture)
    return sphere.scaled(half_sizes).moved(centre)


def smoothed(mesh: Mesh, crease: float = 0.7) -> Mesh:
    """With normals averaged over the faces that meet at a corner at a small angle.

    Args:
        mesh: flat or smooth.
        crease: faces whose normals have a smaller inner product stay apart.
    """
    edges = mesh.corners[:, 1:] - mesh.corners[:, :1]
    areas = np.cross(edges[:, 0], edges[:, 1])
    faces = _unit(areas)
    points = np.round(mesh.corners.reshape(-1, 3), 6)
    _, place = np.unique(points, axis=0, return_inverse=True)
    together = place.reshape(-1, 1) == place.reshape(1, -1)
    alike = (faces @ faces.T > crease).repeat(3, axis=0).repeat(3, axis=1)
    normals = (together & alike).astype(np.float64) @ areas.repeat(3, axis=0)
    return Mesh(mesh.corners, _unit(normals).reshape(-1, 3, 3), mesh.texture)


def _circle(axis: Floats, sides: int) -> Floats:
    """(sides, 3) unit vectors around an axis, counter-clockwise seen from where it points."""
    axis = _unit(axis)
    aside = _unit(np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.9 else [0.0, 1.0, 0.0]))
    angle = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)[:, None]
    return np.cos(angle) * aside + np.sin(angle) * np.cross(axis, aside)


def _skin(rings: Floats) -> Mesh:
    """Flat faces between rings (N, K, 3)."""
    count, around = rings.shape[:2]
    u, v = np.linspace(0.0, 1.0, around + 1), np.linspace(0.0, 1.0, count)
    closed = np.concatenate([rings, rings[:, :1]], axis=1)
    grid = np.concatenate([closed, np.stack(np.meshgrid(u, v), axis=-1)], axis=-1)
    cells = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
    cells = cells.reshape(-1, 4, 5)
    return _without_slivers(quads(cells[..., :3], cells[..., 3:]))


def _cap(ring: Floats) -> Mesh:
    """A fan around the middle of a ring, counter-clockwise seen from outside."""
    centre = np.repeat(ring.mean(axis=0, keepdims=True), len(ring), axis=0)
    return _without_slivers(flat_faces(np.stack([centre, ring, np.roll(ring, -1, axis=0)], axis=1)))


def _without_slivers(mesh: Mesh) -> Mesh:
    edges = mesh.corners[:, 1:] - mesh.corners[:, :1]
    return _where(mesh, np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1) > 1e-9)


def _where(mesh: Mesh, keep: NDArray[np.bool_]) -> Mesh:
    return Mesh(mesh.corners[keep], mesh.normals[keep], mesh.texture[keep])


def _unit(vectors: Floats) -> Floats:
    """Vectors of length 1; a zero vector stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0.0, length, 1.0)
