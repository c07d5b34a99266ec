"""What pedestrians and cyclists have in common: joints, clothes and limbs.

Frame: x forward, y left, z up; the origin is the centre of the footprint on the ground. Angles of
limbs are positive forwards, in rad; a limb at 0 hangs down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snn_ros.simulation.street.meshes import Mesh, tube

ROOT = ""
"""Name of the part that is fixed to the actor's reference point."""


class Joint(NamedTuple):
    """A hinge about the y axis (or a slide along z) of a body that hangs on another."""

    body: str
    parent: str
    position: tuple[float, float, float]
    slide: bool = False


_SKINS = ("skin_light", "skin_brown", "skin_dark")
_HAIRS = ("hair_dark", "hair_brown", "hair_fair")
_TROUSERS = ("jeans", "dark", "navy", "sand", "olive")
_TOPS = ("coat_red", "teal", "shirt_white", "navy", "olive", "yellow", "grey", "sand")


class Clothes(NamedTuple):
    """Names of swatches."""

    skin: str
    hair: str
    trousers: str
    top: str


def clothes_of(seed: int) -> Clothes:
    """What a person wears."""
    rng = np.random.default_rng(seed)
    return Clothes(*(str(rng.choice(names)) for names in (_SKINS, _HAIRS, _TROUSERS, _TOPS)))


def limb(length: float, above: float, below: float) -> Mesh:
    """A tapered limb that hangs from the origin."""
    return tube((0.0, 0.0, 0.3 * above), (0.0, 0.0, -length - 0.3 * below), (above, below), 7)
