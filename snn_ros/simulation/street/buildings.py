"""Boxes with facades: rows of windows and doors above the street, flat roofs."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from snn_ros.simulation.street import polygons, textures
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import Building, RoadLayout
from snn_ros.simulation.street.meshes import Mesh, merged, quads
from snn_ros.simulation.street.surfaces import Surface

_WALL = Surface("building", 0.35)
_BAY, _STOREY = 3.2, 3.2  # m, about
_ROOF_TILE = 6.0  # m


def add_buildings(
    builder: WorldBuilder, layout: RoadLayout, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Add the buildings of a place, one mesh for each style of facade.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: windows are lit where lamps are on; snow lies on roofs.
        rng: of the textures.
    """
    by_style: dict[int, list[Mesh]] = defaultdict(list)
    for building in layout.buildings:
        by_style[building.seed % len(textures.FACADES)].append(facade_mesh(building))
    for style, meshes in sorted(by_style.items()):
        name = f"facade_{style}"
        image = textures.facade(textures.FACADES[style], appearance.lighting, rng)
        glow = 0.8 * appearance.lighting.lamp_glow
        builder.add_texture(name, image)
        builder.add_material(name, texture=name, emission=glow, specular=0.1, shininess=0.3)
        builder.add_mesh(builder.world, name, merged(meshes), name, _WALL)
    snow = appearance.palette.snow
    builder.add_material("roof", colour=(0.90, 0.92, 0.95) if snow else (0.33, 0.31, 0.31))
    roofs = merged(polygons.area(b.footprint, b.height, _ROOF_TILE) for b in layout.buildings)
    builder.add_mesh(builder.world, "roofs", roofs, "roof", _WALL)


def facade_mesh(building: Building) -> Mesh:
    """The four walls of a building, storey by storey, with whole windows."""
    storeys = max(1, round(building.height / _STOREY))
    levels = np.linspace(0.0, building.height, storeys + 1)
    corners, texture = [], []
    start = np.asarray(building.footprint, dtype=np.float64)
    for wall, (a, b) in enumerate(zip(start, np.roll(start, -1, axis=0), strict=True)):
        bays = max(1, round(float(np.linalg.norm(b - a)) / _BAY))
        first = (building.seed // 7 + 2 * wall) % textures.FACADE_BAYS / textures.FACADE_BAYS
        last = first + bays / textures.FACADE_BAYS
        for storey in range(storeys):
            bottom, top = levels[storey], levels[storey + 1]
            corners.append([(*a, bottom), (*b, bottom), (*b, top), (*a, top)])
            row = _picture_row(storey, building.seed)
            low, high = row / textures.FACADE_STOREYS, (row + 1) / textures.FACADE_STOREYS
            texture.append([(first, low), (last, low), (last, high), (first, high)])
    return quads(corners, np.array(texture))


def _picture_row(storey: int, seed: int) -> int:
    """Which row of the facade's picture a storey shows; the lowest is the ground floor."""
    return 0 if storey == 0 else 1 + (storey + seed) % (textures.FACADE_STOREYS - 1)
