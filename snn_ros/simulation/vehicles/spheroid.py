"""Volume and added mass of a prolate spheroid, the shape of a blimp's hull."""

from __future__ import annotations

import math
from typing import NamedTuple

_NEARLY_A_SPHERE = 1e-3  # eccentricity below which the closed forms lose all digits


class AddedMassFactors(NamedTuple):
    """Added mass over displaced mass.

    Attributes:
        axial: k1, along the long axis.
        lateral: k2, across it.
        rotational: k', about the lateral axes, over the inertia of the displaced air.
    """

    axial: float
    lateral: float
    rotational: float


def volume(half_length: float, radius: float) -> float:
    """Volume in m³ of a spheroid with these semi-axes in m."""
    return 4.0 / 3.0 * math.pi * half_length * radius**2


def added_mass_factors(half_length: float, radius: float) -> AddedMassFactors:
    """Lamb's factors of a prolate spheroid (H. Lamb, Hydrodynamics, articles 114 and 373).

    Args:
        half_length: semi-axis along the axis of revolution, in m.
        radius: the other semi-axes in m, at most ``half_length``.

    Raises:
        ValueError: the spheroid is not prolate.
    """
    if not 0.0 < radius <= half_length:
        raise ValueError(f"radius = {radius!r}: must be above 0 and at most {half_length!r}")
    square = 1.0 - (radius / half_length) ** 2
    e = math.sqrt(square)
    if e < _NEARLY_A_SPHERE:
        return AddedMassFactors(0.5, 0.5, 0.0)
    logarithm = math.log((1.0 + e) / (1.0 - e))
    alpha = 2.0 * (1.0 - square) / e**3 * (logarithm / 2.0 - e)
    beta = 1.0 / square - (1.0 - square) / (2.0 * e**3) * logarithm
    difference = beta - alpha
    rotational = e**4 * difference / ((2.0 - square) * (2.0 * square - (2.0 - square) * difference))
    return AddedMassFactors(alpha / (2.0 - alpha), beta / (2.0 - beta), rotational)
