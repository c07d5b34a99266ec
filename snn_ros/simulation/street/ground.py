"""Carriageway, raised pavements with kerbs, markings and the land around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street import polygons, textures
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.builder import WorldBuilder
from snn_ros.simulation.street.layout import Marking, RoadLayout
from snn_ros.simulation.street.meshes import Mesh, merged, quads
from snn_ros.simulation.street.surfaces import Surface

ROAD, PAVEMENT = Surface("road", 0.17), Surface("pavement", 0.30)
_TERRAIN = Surface("terrain", 0.42)
_SNOW = Surface("terrain", 0.80)
_PAINT = Surface("lane_marking", 0.50)

TERRAIN_DEPTH = 0.05
"""The land lies so far below the carriageway, in m, so that no beam takes one for the other."""
MARKING_HEIGHT = 0.001
"""Paint lies so far above the asphalt, in m."""
DASH, DASH_GAP = 3.0, 6.0
"""Painted and free lengths of a dashed line in m."""
STRIPE = 0.5
"""Width of a crosswalk's stripes, and of the gaps between them, in m."""

_KERB_WIDTH = 0.15  # m
_KERB_SLAB = (0.06, 0.06)  # texture coordinates inside one slab
_ASPHALT_TILE, _PAVING_TILE, _GRASS_TILE = 8.0, 4.0, 6.0  # m


def add_ground(
    builder: WorldBuilder, layout: RoadLayout, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Add everything that lies on the ground.

    Args:
        builder: the world to add to.
        layout: the place.
        appearance: season and light.
        rng: of the textures.
    """
    _add_materials(builder, appearance, rng)
    snow = appearance.palette.snow > 0.0
    builder.add_plane("terrain", -TERRAIN_DEPTH, "grass", _SNOW if snow else _TERRAIN)
    road = merged(polygons.area(part, 0.0, _ASPHALT_TILE) for part in layout.carriageway)
    builder.add_mesh(builder.world, "road", road, "asphalt", ROAD)
    _add_pavements(builder, layout)
    paint = merged(part for marking in layout.markings for part in marking_meshes(marking))
    builder.add_mesh(builder.world, "lane_markings", paint, "paint", _PAINT)


def _add_materials(builder: WorldBuilder, appearance: Appearance, rng: np.random.Generator) -> None:
    palette = appearance.palette
    builder.add_texture("asphalt", textures.asphalt(rng, palette.snow))
    builder.add_texture("paving", textures.paving(rng, palette.snow))
    builder.add_texture("grass", textures.grass(rng, palette.grass, palette.snow))
    builder.add_material("asphalt", texture="asphalt", specular=0.1, shininess=0.1)
    builder.add_material("paving", texture="paving")
    builder.add_material("grass", texture="grass", repeat=1.0 / _GRASS_TILE)
    builder.add_material("paint", colour=(0.86, 0.86, 0.84))


def _add_pavements(builder: WorldBuilder, layout: RoadLayout) -> None:
    """Slabs and kerbs as one mesh; a kerb has the colour of one slab."""
    height = layout.kerb_height
    edges = polygons.outer_edges(layout.pavements)
    kerbs = [
        polygons.walls(edges, -TERRAIN_DEPTH, height),
        polygons.border(edges, _KERB_WIDTH, height + MARKING_HEIGHT),
    ]
    parts = [polygons.area(part, height, _PAVING_TILE) for part in layout.pavements]
    parts += [kerb.textured(_KERB_SLAB) for kerb in kerbs]
    builder.add_mesh(builder.world, "pavement", merged(parts), "paving", PAVEMENT)


def marking_meshes(marking: Marking) -> list[Mesh]:
    """The painted areas of a marking."""
    if marking.kind == "dashed":
        pieces = polygons.dashes(marking.points, DASH, DASH_GAP)
        return [polygons.strip(piece, marking.width, MARKING_HEIGHT) for piece in pieces]
    if marking.kind == "crosswalk":
        return [_stripes(marking)]
    return [polygons.strip(marking.points, marking.width, MARKING_HEIGHT)]


def _stripes(marking: Marking) -> Mesh:
    """Bars side by side along the path of those who cross."""
    start, end = marking.points[0], marking.points[-1]
    length = float(np.linalg.norm(end - start))
    along = (end - start) / max(length, 1e-9)
    across = np.array([-along[1], along[0]]) * marking.width / 2
    first = np.arange(STRIPE / 2, length - STRIPE / 2, 2 * STRIPE)[:, None]
    begin, finish = start + first * along, start + (first + STRIPE) * along
    return quads(
        _at_height(np.stack([begin - across, finish - across, finish + across, begin + across], 1))
    )


def _at_height(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([corners, np.full((*corners.shape[:2], 1), MARKING_HEIGHT)], axis=-1)
