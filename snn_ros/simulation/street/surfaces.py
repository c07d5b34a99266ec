"""What each geom of a street is: its class, actor, and how it reflects a LiDAR's beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEMANTIC_CLASSES = (
    "void",
    "road",
    "pavement",
    "building",
    "vegetation",
    "pole",
    "sign",
    "car",
    "truck",
    "pedestrian",
    "cyclist",
    "terrain",
    "lane_marking",
    "sky",
)

# MuJoCo's geom groups.
SOLID_GROUP = 0
"""Cameras and beams see it."""
GLASS_GROUP = 1
"""Cameras and beams see it; a beam that meets it does not come back."""
DECORATION_GROUP = 2
"""Only colour images show it: shadows and light on the ground. Its class is the ground's."""

NO_ACTOR = -1


class Surface(NamedTuple):
    """What one geom is.

    Attributes:
        semantic: one of ``SEMANTIC_CLASSES``.
        reflectivity: diffuse, at 905 nm, 0 to 1; retro-reflectors have 0.9 and more.
        actor: identifier, or ``NO_ACTOR``.
        glass: a LiDAR beam that meets it does not come back.
    """

    semantic: str
    reflectivity: float
    actor: int = NO_ACTOR
    glass: bool = False


@dataclass(frozen=True, eq=False)
class SurfaceTable:
    """Surfaces by geom id.

    Attributes:
        semantic: (geoms,) uint8 index into ``SEMANTIC_CLASSES``.
        actor: (geoms,) int32 identifier, ``NO_ACTOR`` for what belongs to the place.
        reflectivity: (geoms,) float32 at 905 nm, 0 to 1.
        glass: (geoms,) bool.
    """

    semantic: NDArray[np.uint8]
    actor: NDArray[np.int32]
    reflectivity: NDArray[np.float32]
    glass: NDArray[np.bool_]

    @classmethod
    def of(cls, surfaces: list[Surface]) -> SurfaceTable:
        """The table of surfaces in the order of geom ids."""
        return cls(
            semantic=np.array([class_index(s.semantic) for s in surfaces], dtype=np.uint8),
            actor=np.array([s.actor for s in surfaces], dtype=np.int32),
            reflectivity=np.array([s.reflectivity for s in surfaces], dtype=np.float32),
            glass=np.array([s.glass for s in surfaces], dtype=np.bool_),
        )


def class_index(name: str) -> int:
    """Index of a class in ``SEMANTIC_CLASSES``.

    Raises:
        ValueError: there is no such class.
    """
    return SEMANTIC_CLASSES.index(name)
