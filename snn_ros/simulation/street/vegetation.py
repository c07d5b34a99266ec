"""Trees: broad-leaved ones that change with the season, and a few evergreens."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from snn_ros.simulation.street import textures
from snn_ros.simulation.street.appearance import Appearance, Colour
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import RoadLayout, Tree
from snn_ros.simulation.street.meshes import Mesh, ellipsoid, loft, merged, tube
from snn_ros.simulation.street.surfaces import Surface

_LEAVES = Surface("vegetation", 0.40)
_WOOD = Surface("vegetation", 0.30)
_EVERGREEN: Colour = (0.12, 0.24, 0.14)
_SNOWY_EVERGREEN: Colour = (0.52, 0.58, 0.57)
_LEAF_TILES = 3.0  # repetitions of the texture around a clump of leaves

CROWN_RADIUS = 0.27
"""Of a broad-leaved tree, as share of its height."""
CROWN_BOTTOM = 0.32
"""Where the crown begins, as share of the height."""


def add_trees(
    builder: WorldBuilder, layout: RoadLayout, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Add all trees: one mesh of wood, one for each colour of leaves.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: season.
        rng: of the textures; each tree's shape comes from its own seed.
    """
    builder.add_texture("leaves", textures.leaves(rng))
    builder.add_texture("bark", textures.bark(rng))
    builder.add_material("bark", texture="bark")
    wood, crowns = [], defaultdict(list)
    palette = appearance.palette
    for tree in layout.trees:
        shape = np.random.default_rng(tree.seed)
        place = (tree.x, tree.y, 0.0)
        if is_evergreen(tree):
            wood.append(_trunk(tree.height, 0.5).moved(place))
            colour = _SNOWY_EVERGREEN if palette.snow else _EVERGREEN
            crowns[colour].append(_cone_crown(tree.height, shape).moved(place))
            continue
        wood.append(_trunk(tree.height, CROWN_BOTTOM + 0.15).moved(place))
        if palette.leaf_cover < 1.0:
            wood.append(_branches(tree.height, shape).moved(place))
        if palette.leaf_cover > 0.0:
            colour = palette.leaves[int(shape.integers(len(palette.leaves)))]
            crowns[colour].append(_crown(tree.height, palette.leaf_cover, shape).moved(place))
    builder.add_mesh(builder.world, "wood", merged(wood), "bark", _WOOD)
    for i, (colour, meshes) in enumerate(sorted(crowns.items())):
        material = builder.add_material(f"leaves_{i}", texture="leaves", colour=colour)
        builder.add_mesh(builder.world, f"crowns_{i}", merged(meshes), material, _LEAVES)


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
    return Mesh(corners, smooth.normals, smooth.texture * _LEAF_TILES).moved(centre)


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
        tiers.append(Mesh(tier.corners, tier.normals, tier.texture * 2 * _LEAF_TILES))
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
