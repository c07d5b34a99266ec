"""How a place looks: light of the day, weather and season."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snn_ros.configuration import setting

LIGHTS = ("day", "overcast", "dusk", "night")
SEASONS = ("spring", "summer", "autumn", "winter")
SHADOWS = ("projected", "mapped", "none")

Colour = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""


@dataclass(frozen=True)
class Appearance:
    """Light and season of a scene.

    ``projected`` shadows are painted on the ground and cost next to nothing; ``mapped`` ones fall
    on everything and make a software renderer three to four times slower.
    """

    light: str = setting("day", "time and weather", choices=LIGHTS)
    season: str = setting("summer", "leaves, grass and snow", choices=SEASONS)
    sun_azimuth: float = setting(
        4.1, "where the sun stands, counter-clockwise from east", unit="rad"
    )
    sun_elevation: float = setting(
        0.8, "of the sun above the horizon", unit="rad", minimum=0.1, maximum=1.5
    )
    shadows: str = setting("projected", "how shadows are made", choices=SHADOWS)

    @property
    def lighting(self) -> Lighting:
        """Lamps and colours that belong to ``light``."""
        return _LIGHTING[self.light]

    @property
    def palette(self) -> SeasonPalette:
        """Colours that belong to ``season``."""
        return _PALETTES[self.season]

    @property
    def sun_direction(self) -> tuple[float, float, float]:
        """Unit vector along the sun's rays, downwards."""
        level = math.cos(self.sun_elevation)
        return (
            -level * math.cos(self.sun_azimuth),
            -level * math.sin(self.sun_azimuth),
            -math.sin(self.sun_elevation),
        )

    @property
    def shadow_offset(self) -> tuple[float, float]:
        """How far the shadow of a point one metre above the ground falls from it, in m."""
        x, y, z = self.sun_direction
        return -x / z, -y / z


@dataclass(frozen=True)
class Lighting:
    """Light sources at one time of the day.

    Attributes:
        ambient: light from everywhere.
        sun: light along the sun's direction (at night the moon's).
        zenith: colour of the sky above.
        horizon: colour of the sky at the horizon.
        shadow: how dark a projected shadow is, 0 to 1; 0 for none but that beneath vehicles.
        lamps: whether street lamps, windows and vehicle lights are on.
        lamp_glow: how strongly their light shows on the ground, 0 to 1.
    """

    ambient: Colour
    sun: Colour
    zenith: Colour
    horizon: Colour
    shadow: float
    lamps: bool = False
    lamp_glow: float = 0.0


@dataclass(frozen=True)
class SeasonPalette:
    """Colours of one season.

    Attributes:
        leaves: of the crowns; a tree takes one.
        grass: of the ground beside the road.
        leaf_cover: share of a summer crown's leaves that hang.
        snow: how much snow lies, 0 to 1.
    """

    leaves: tuple[Colour, ...]
    grass: Colour
    leaf_cover: float = 1.0
    snow: float = 0.0


_LIGHTING = {
    "day": Lighting(
        ambient=(0.44, 0.46, 0.50),
        sun=(0.66, 0.62, 0.55),
        zenith=(0.25, 0.47, 0.78),
        horizon=(0.78, 0.86, 0.93),
        shadow=0.50,
    ),
    "overcast": Lighting(
        ambient=(0.60, 0.61, 0.63),
        sun=(0.20, 0.20, 0.20),
        zenith=(0.62, 0.65, 0.68),
        horizon=(0.80, 0.81, 0.82),
        shadow=0.0,
    ),
    "dusk": Lighting(
        ambient=(0.27, 0.26, 0.33),
        sun=(0.42, 0.26, 0.15),
        zenith=(0.16, 0.20, 0.38),
        horizon=(0.93, 0.58, 0.36),
        shadow=0.25,
        lamps=True,
        lamp_glow=0.35,
    ),
    "night": Lighting(
        ambient=(0.10, 0.105, 0.14),
        sun=(0.04, 0.045, 0.06),
        zenith=(0.01, 0.015, 0.035),
        horizon=(0.06, 0.065, 0.10),
        shadow=0.0,
        lamps=True,
        lamp_glow=1.0,
    ),
}

_PALETTES = {
    "spring": SeasonPalette(
        leaves=((0.45, 0.62, 0.24), (0.52, 0.66, 0.30), (0.86, 0.70, 0.76)),
        grass=(0.35, 0.46, 0.22),
        leaf_cover=0.8,
    ),
    "summer": SeasonPalette(
        leaves=((0.20, 0.38, 0.13), (0.25, 0.44, 0.16), (0.30, 0.46, 0.20)),
        grass=(0.31, 0.38, 0.20),
    ),
    "autumn": SeasonPalette(
        leaves=((0.78, 0.45, 0.12), (0.70, 0.27, 0.10), (0.80, 0.62, 0.16)),
        grass=(0.46, 0.43, 0.20),
        leaf_cover=0.75,
    ),
    "winter": SeasonPalette(
        leaves=((0.36, 0.33, 0.31),), grass=(0.40, 0.38, 0.28), leaf_cover=0.0, snow=0.9
    ),
}
