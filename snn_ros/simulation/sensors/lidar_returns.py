"""What comes back of a LiDAR's beam: power, chance of detection, intensity, range.

Power is relative to a white (reflectivity 1) matt target at 1 m, met square on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.floating]

RETRO_REFLECTIVE = 0.9
"""Surfaces of at least this reflectivity send the beam back where it came from, at any angle."""
_RETRO_GAIN = 20.0  # against a white matt surface; number plates and signs reach 10 to 100


def received_power(
    distance: Floats,
    cosine: Floats,
    reflectivity: Floats,
    *,
    roughness: float,
    attenuation: float,
) -> Floats:
    """Power by the LiDAR equation for a target that fills the beam.

    ``reflectivity · cosine^(1 - roughness) · exp(-2 · attenuation · distance) / distance²``

    A smooth matt (Lambertian) surface has roughness 0; the micro-facets of a rough one such as
    asphalt face the beam even at grazing incidence (Oren and Nayar, 1994).

    Args:
        distance: to the target in m.
        cosine: of the angle of incidence, 0 to 1.
        reflectivity: at the laser's wavelength, 0 to 1.
        roughness: 0 (matt) to 1 (as bright from all sides).
        attenuation: of the air in 1/m; 0.0002 is clear.

    Returns:
        Relative power, of the shape of the arguments.
    """
    albedo = effective_reflectivity(cosine, reflectivity, roughness)
    return albedo * np.exp(-2.0 * attenuation * distance) / np.square(distance)


def effective_reflectivity(cosine: Floats, reflectivity: Floats, roughness: float) -> Floats:
    """Brightness of a surface against a white matt one met square on.

    Args:
        cosine: of the angle of incidence, 0 to 1.
        reflectivity: 0 to 1; from ``RETRO_REFLECTIVE`` on a retro-reflector.
        roughness: see ``received_power``.
    """
    matt = reflectivity * np.power(cosine, 1.0 - roughness)
    return np.where(reflectivity >= RETRO_REFLECTIVE, _RETRO_GAIN * reflectivity, matt)


def detection_probability(power: Floats, threshold: float, spread: float) -> Floats:
    """Chance that a return rises above the receiver's threshold.

    The threshold of receivers and the brightness of spots vary log-normally: the chance is
    ``Φ(ln(power / threshold) / spread)``, one half at the threshold.

    Args:
        power: relative, any shape.
        threshold: relative, above 0.
        spread: standard deviation of the logarithm; 0 is a hard limit.
    """
    if spread == 0.0:
        return (power >= threshold).astype(power.dtype)
    with np.errstate(divide="ignore"):  # no power: ln is -inf, the chance 0
        return ndtr(np.log(power / threshold) / spread)


def threshold_for(reach: float, attenuation: float) -> float:
    """The threshold of a LiDAR that sees a target of 10 % reflectivity half the time.

    Args:
        reach: distance of that target in m, as data sheets give it.
        attenuation: see ``received_power``.
    """
    square_on, dark = np.ones(1), np.full(1, 0.1)
    power = received_power(
        np.full(1, reach), square_on, dark, roughness=0.0, attenuation=attenuation
    )
    return float(power[0])


def quantised(values: Floats, quantum: float) -> Floats:
    """Values in whole steps; a step of 0 leaves them as they are."""
    return values if quantum == 0.0 else np.round(values / quantum) * quantum
