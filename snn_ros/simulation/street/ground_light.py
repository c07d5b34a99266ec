"""Shadows and lamp light painted on the ground.

A software renderer needs three to four times as long for a picture with shadow maps. Here the
shadows of what stands still are drawn once, seen from above, and laid on the ground as patches.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.furniture import lamp_positions
from snn_ros.simulation.street.ground import PAVEMENT, ROAD
from snn_ros.simulation.street.layout import RoadLayout, Tree
from snn_ros.simulation.street.meshes import Mesh, merged, quads
from snn_ros.simulation.street.vegetation import CROWN_BOTTOM, CROWN_RADIUS, is_evergreen

CELL = 0.125
"""Size of a cell of the ground's pictures in m."""

SHADOW_HEIGHT = 0.003
"""Shadows lie so far above the ground, in m: over paint, under the light of lamps."""
LIGHT_HEIGHT = 0.005

LAMP_LIGHT = (1.0, 0.78, 0.46)
_LAMP_RADIUS = 7.5  # m
_BARE_CROWN_SHARE = 0.35  # of the shadow's width that a tree without leaves has

Mask = NDArray[np.uint8]


class GroundGrid(NamedTuple):
    """Cells over the ground: their corner at the origin, number in y and x."""

    x: float
    y: float
    rows: int
    columns: int

    @classmethod
    def over(cls, extent: tuple[float, float, float, float]) -> GroundGrid:
        """The grid over an extent (x minimum, y minimum, x maximum, y maximum) in m."""
        x_min, y_min, x_max, y_max = extent
        return cls(
            x_min, y_min, int(np.ceil((y_max - y_min) / CELL)), int(np.ceil((x_max - x_min) / CELL))
        )

    def filled(self, polygons: Iterable[NDArray[np.float64]]) -> Mask:
        """(rows, columns) 1 where a cell's middle lies in one of the convex polygons (M, 2)."""
        mask = np.zeros((self.rows, self.columns), dtype=np.uint8)
        fine = 256  # cv2 takes corners in fractions of pixels as whole numbers
        for polygon in polygons:
            pixels = (np.asarray(polygon) - [self.x, self.y]) / CELL - 0.5
            corners = np.round(pixels * fine).astype(np.int32)
            cv2.fillConvexPoly(mask, corners, 1, lineType=cv2.LINE_8, shift=8)
        return mask

    def patches(self, mask: Mask, height: float) -> Mesh:
        """Rectangles over the runs of set cells, at a height in m."""
        padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
        change = np.diff(padded, axis=1)
        row, start = np.nonzero(change == 1)
        _, end = np.nonzero(change == -1)
        x0, x1 = self.x + CELL * start, self.x + CELL * end
        y0 = self.y + CELL * row
        z = np.full_like(x0, height)
        corners = [(x0, y0, z), (x1, y0, z), (x1, y0 + CELL, z), (x0, y0 + CELL, z)]
        return quads(np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1))


def add_ground_light(builder: WorldBuilder, layout: RoadLayout, appearance: Appearance) -> None:
    """Add shadows of buildings, trees and poles, and the light of lamps.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: where the sun stands and whether lamps are on.
    """
    grid = GroundGrid.over(layout.ground_extent)
    raised = grid.filled(layout.pavements)
    lighting = appearance.lighting
    if appearance.shadows == "projected" and lighting.shadow > 0.0:
        shade = grid.filled(_shadows(layout, appearance))
        for building in layout.buildings:
            shade &= 1 - grid.filled([building.footprint])
        alpha = lighting.shadow
        material = builder.add_ground_colour("shadow", (0.01, 0.01, 0.02), alpha)
        _add_patches(builder, grid, raised, layout.kerb_height, [shade], material, SHADOW_HEIGHT)
    if lighting.lamps:
        discs = [
            grid.filled(
                _circle(x, y, share * _LAMP_RADIUS) for x, y in lamp_positions(layout.poles)
            )
            for share in (1.0, 0.78, 0.56, 0.34)
        ]
        material = builder.add_ground_colour("lamp_light", LAMP_LIGHT, 0.075 * lighting.lamp_glow)
        _add_patches(builder, grid, raised, layout.kerb_height, discs, material, LIGHT_HEIGHT)


def _add_patches(
    builder: WorldBuilder, grid: GroundGrid, raised: Mask, kerb_height: float,
    layers: list[Mask], material: str, height: float,
) -> None:  # fmt: skip
    """Lay masks on the carriageway and on the pavements, one above the other."""
    for name, part, base, surface in (
        ("road", 1 - raised, 0.0, ROAD),
        ("pavement", raised, kerb_height, PAVEMENT),
    ):
        meshes = [
            grid.patches(layer & part, base + height + 0.0005 * level)
            for level, layer in enumerate(layers)
        ]
        name = f"{material}_on_{name}"
        builder.add_mesh(builder.world, name, merged(meshes), material, surface, decoration=True)


def _shadows(layout: RoadLayout, appearance: Appearance) -> Iterable[NDArray[np.float64]]:
    """Convex outlines on the ground."""
    shift = np.array(appearance.shadow_offset)
    for building in layout.buildings:
        yield _swept(building.footprint, 0.0 * shift, building.height * shift)
    for tree in layout.trees:
        yield from _tree_shadow(tree, shift, bare=appearance.palette.leaf_cover == 0.0)
    for pole in layout.poles:
        post = _circle(pole.x, pole.y, 0.8 * CELL)
        yield _swept(post, 0.0 * shift, pole.height * shift)


def _tree_shadow(
    tree: Tree, shift: NDArray[np.float64], *, bare: bool
) -> Iterable[NDArray[np.float64]]:
    trunk = _circle(tree.x, tree.y, 0.025 * tree.height)
    yield _swept(trunk, 0.0 * shift, 0.5 * tree.height * shift)
    if is_evergreen(tree):
        crown = _circle(tree.x, tree.y, 0.19 * tree.height)
        tip = np.array([[tree.x, tree.y]]) + 0.98 * tree.height * shift
        yield _hull(np.concatenate([crown + 0.14 * tree.height * shift, tip]))
        return
    radius = CROWN_RADIUS * tree.height * (_BARE_CROWN_SHARE if bare else 1.0)
    crown = _circle(tree.x, tree.y, radius)
    bottom, top = CROWN_BOTTOM + 0.15, 0.88
    yield _swept(crown, bottom * tree.height * shift, top * tree.height * shift)


def _swept(
    outline: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The area that a convex outline crosses when it moves from one shift to another."""
    return _hull(np.concatenate([outline + start, outline + end]))


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)


def _circle(x: float, y: float, radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0.0, 2 * np.pi, 20, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=-1)
