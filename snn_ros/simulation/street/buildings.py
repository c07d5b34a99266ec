"""Boxes with facades: rows of windows and doors above the street, flat roofs.

All buildings are one mesh with one picture, since each mesh costs a LiDAR's rays time.
"""

from __future__ import annotations

import numpy as np

from snn_ros.simulation.street import polygons, textures
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import Building, RoadLayout
from snn_ros.simulation.street.meshes import Mesh, merged, quads
from snn_ros.simulation.street.surfaces import Surface

_WALL = Surface("building", 0.35)
_BAY, _STOREY = 3.2, 3.2  # m, about
_ROOF, _SNOWY_ROOF = (0.33, 0.31, 0.31), (0.90, 0.92, 0.95)
_ROOF_ROWS = 64  # of the picture, at its bottom
_STYLES = len(textures.FACADES)
_PICTURE_ROWS = _STYLES * textures.FACADE_ROWS + _ROOF_ROWS


def add_buildings(
    builder: WorldBuilder, layout: RoadLayout, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Add the buildings of a place.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: windows are lit where lamps are on; snow lies on roofs.
        rng: of the textures.
    """
    lighting = appearance.lighting
    facades = [textures.facade(style, lighting, rng) for style in textures.FACADES]
    roof_colour = np.array(_SNOWY_ROOF if appearance.palette.snow else _ROOF)
    brightness = textures.wall_brightness(lighting)
    roof = np.full((_ROOF_ROWS, facades[0].shape[1], 3), 255 * brightness * roof_colour, np.uint8)
    builder.add_texture("buildings", np.concatenate([*facades, roof]))
    glow = 0.8 * lighting.lamp_glow
    builder.add_material(
        "buildings", texture="buildings", emission=glow, specular=0.1, shininess=0.3
    )
    walls = [facade_mesh(building) for building in layout.buildings]
    roofs = [
        polygons.area(b.footprint, b.height, 1.0).textured((0.5, 0.5 * _ROOF_ROWS / _PICTURE_ROWS))
        for b in layout.buildings
    ]
    builder.add_mesh(builder.world, "buildings", merged(walls + roofs), "buildings", _WALL)


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
            low, high = _picture_band(storey, building.seed)
            texture.append([(first, low), (last, low), (last, high), (first, high)])
    return quads(corners, np.array(texture))


def _picture_band(storey: int, seed: int) -> tuple[float, float]:
    """Lower and upper texture coordinate of a storey; the lowest of a style is the ground floor."""
    below = _STYLES - 1 - seed % _STYLES  # styles under this one in the picture
    row = 0 if storey == 0 else 1 + (storey + seed) % (textures.FACADE_STOREYS - 1)
    height = textures.FACADE_ROWS / textures.FACADE_STOREYS
    low = _ROOF_ROWS + below * textures.FACADE_ROWS + row * height
    return low / _PICTURE_ROWS, (low + height) / _PICTURE_ROWS
