"""Trees: broad-leaved ones that change with the season, and a few evergreens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street import textures
from snn_ros.simulation.street.appearance import Appearance, Colour, SeasonPalette
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import RoadLayout, Tree
from snn_ros.simulation.street.meshes import Mesh, ellipsoid, loft, merged, tube
from snn_ros.simulation.street.surfaces import Surface

_TREE = Surface("vegetation", 0.40)
_BARK = 0  # tile of the picture
_EVERGREEN: Colour = (0.12, 0.24, 0.14)
_SNOWY_EVERGREEN: Colour = (0.52, 0.58, 0.57)

CROWN_RADIUS = 0.27
"""Of a broad-leaved tree, as share of its height."""
CROWN_BOTTOM = 0.32
"""Where the crown begins, as share of the height."""


def add_trees(
    builder: WorldBuilder, layout: RoadLayout, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Add all trees as one mesh: each mesh costs a LiDAR's rays time.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: season.
        rng: of the textures; each tree's shape comes from its own seed.
    """
    palette = appearance.palette
    evergreen = _SNOWY_EVERGREEN if palette.snow else _EVERGREEN
    colours = (*palette.leaves, evergreen)
    builder.add_texture("vegetation", _picture(colours, rng))
    builder.add_material("vegetation", texture="vegetation")
    parts = []
    for tree in layout.trees:
        shape = np.random.default_rng(tree.seed)
        for mesh, tile in _tree_parts(tree, palette, shape):
            parts.append(_on_tile(mesh, tile, len(colours) + 1).moved((tree.x, tree.y, 0.0)))
    builder.add_mesh(builder.world, "trees", merged(parts), "vegetation", _TREE)


def _picture(colours: Sequence[Colour], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bark, and leaves in each colour, side by side."""
    bark = np.tile(textures.bark(rng, 64), (4, 4, 1))
    shade = textures.leaves(rng).astype(np.float64)
    return np.concatenate(
        [bark, *((shade * colour).astype(np.uint8) for colour in colours)], axis=1
    )


def _on_tile(mesh: Mesh, tile: int, tiles: int) -> Mesh:
    """With texture coordinates inside one tile of the picture, away from its edges."""
    inside = 0.02 + 0.96 * np.clip(mesh.texture, 0.0, 1.0)
    return Mesh(mesh.corners, mesh.normals, (inside + np.array([tile, 0.0])) / [tiles, 1.0])


def _tree_parts(
    tree: Tree, palette: SeasonPalette, shape: np.random.Generator
) -> Iterator[tuple[Mesh, int]]:
    """Meshes of a tree at the origin, with the tile of the picture that each shows."""
    if is_evergreen(tree):
        yield _trunk(tree.height, 0.5), _BARK
        yield _cone_crown(tree.height, shape), 1 + len(palette.leaves)
        return
    yield _trunk(tree.height, CROWN_BOTTOM + 0.15), _BARK
    if palette.leaf_cover < 1.0:
        yield _branches(tree.height, shape), _BARK
    if palette.leaf_cover > 0.0:
        colour = int(shape.integers(len(palette.leaves)))
        yield _crown(tree.height, palette.leaf_cover, shape), 1 + colour


def is_evergreen(tree: Tree) -> bool:
    """Whether a tree is a conifer, which keeps its needles."""
    return tree.seed % 6 == 5


def _trunk(height: float, top: float) -> Mesh:
    radius = 0.022 * height
    return tube((0.0, 0.0, -0.1), (0.0, 0.0, top * height), (1.3 * radius, 0.7 * radius), 8)


def _crown(height: float, cover: float, shape: np.random.Generator) -> Mesh:
    """Lumps of leaves around a middle one."""
    radius, middle = CROWN_RADIUS * height, (1.0 + CROWN_BOTTOM) / 2 * height
    half_height = (1.0 - CROWN_BOTTOM) / 2 * height
    clumps = [_clump((0.78 * radius, 0.78 * radius, 0.9 * half_height), (0, 0, middle), shape)]
    for angle in np.arange(5) * 2 * np.pi / 5 + shape.uniform(0.0, 2 * np.pi):
        if shape.random() > cover:
            continue
        size = shape.uniform(0.48, 0.62) * radius
        centre = (
            0.55 * radius * np.cos(angle),
            0.55 * radius * np.sin(angle),
            middle + shape.uniform(-0.45, 0.35) * half_height,
        )
        clumps.append(_clump((size, size, 0.85 * size), centre, shape))
    top = (0.55 * radius, 0.55 * radius, 0.32 * half_height)
    clumps.append(_clump(top, (0.0, 0.0, height - top[2]), shape))
    return merged(clumps)


def _clump(
    half_sizes: tuple[float, float, float],
    centre: tuple[float, float, float],
    shape: np.random.Generator,
) -> Mesh:
    """An uneven ellipsoid."""
    smooth = ellipsoid(half_sizes, (0.0, 0.0, 0.0), detail=6)
    waves = shape.uniform(0.6, 1.4, (6, 3)) * shape.choice([-1.0, 1.0], (6, 3)) / max(half_sizes)
    waves *= np.array([3.5, 3.5, 3.5, 11.0, 11.0, 11.0])[:, None]
    phases = shape.uniform(0.0, 2 * np.pi, 6)
    bumps = np.sin(smooth.corners @ waves.T + phases).sum(axis=-1, keepdims=True)
    corners = smooth.corners * (1.0 + 0.06 * bumps - 0.04)
    return Mesh(corners, smooth.normals, smooth.texture).moved(centre)


def _cone_crown(height: float, shape: np.random.Generator) -> Mesh:
    """Three tiers of a fir."""
    angle = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
    tiers = []
    for bottom, top, wide in ((0.14, 0.60, 0.20), (0.38, 0.82, 0.15), (0.62, 1.0, 0.10)):
        uneven = wide * height * shape.uniform(0.85, 1.1, 10)
        ring = np.stack([uneven * np.cos(angle), uneven * np.sin(angle)], axis=-1)
        rings = [
            np.column_stack([share * ring, np.full(10, level * height)])
            for share, level in ((1.0, bottom), (0.02, top))
        ]
        tier = loft(np.array(rings))
        tiers.append(tier)
    return merged(tiers)


def _branches(height: float, shape: np.random.Generator) -> Mesh:
    """Bare boughs with twigs."""
    bars = []
    for i in range(9):
        angle = 2.4 * i + shape.uniform(0.0, 0.8)  # about the golden angle: no two above each other
        foot = np.array([0.0, 0.0, (CROWN_BOTTOM + 0.025 * i) * height])
        reach = CROWN_RADIUS * height * shape.uniform(0.6, 1.0)
        rise = shape.uniform(0.25, 0.45) * height * (1.0 - 0.04 * i)
        tip = foot + np.array([reach * np.cos(angle), reach * np.sin(angle), rise])
        bars.append(tube(foot, tip, (0.008 * height, 0.002 * height), 5))
        for share in (0.45, 0.65, 0.8):
            start = foot + share * (tip - foot)
            twig = start + shape.uniform(-0.09, 0.09, 3) * height + [0.0, 0.0, 0.06 * height]
            bars.append(tube(start, twig, (0.004 * height, 0.001 * height), 3))
    return merged(bars)
