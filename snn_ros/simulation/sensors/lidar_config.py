"""Kinds of spinning LiDARs: their beams, and the size of their flaws."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snn_ros.configuration import setting


@dataclass(frozen=True)
class BeamBlock:
    """Beams that leave the sensor at one height.

    Attributes:
        elevations: in degrees, lowest first.
        height: of their common origin above that of the sensor's frame, in m.
    """

    elevations: tuple[float, ...]
    height: float = 0.0


def _evenly(lowest: float, step: float, count: int) -> tuple[float, ...]:
    return tuple(float(lowest + step * i) for i in range(count))


BEAMS: dict[str, tuple[BeamBlock, ...]] = {
    # elevations from the data sheets; heights of the HDL-64E's two blocks of lasers as usual in
    # its calibration files (a line through any ring of KITTI's scans meets the axis there)
    "hdl_64e": (
        BeamBlock(_evenly(-24.0 - 1 / 3, 1 / 2, 32), height=0.12),
        BeamBlock(_evenly(-8.0 - 1 / 3, 1 / 3, 32), height=0.20),
    ),
    "hdl_32e": (BeamBlock(_evenly(-30.67, 4 / 3, 32)),),
    "vlp_16": (BeamBlock(_evenly(-15.0, 2.0, 16)),),
}
"""Beams by name, from below: the index of a beam is its ring."""


@dataclass(frozen=True)
class LidarConfig:
    """Kind of LiDAR and size of its flaws; the defaults imitate the HDL-64E of KITTI."""

    beams: str = setting("hdl_64e", "table of beam elevations", choices=tuple(BEAMS))
    columns: int = setting(2048, "firings in a sweep", minimum=16, maximum=8192)
    rate: float = setting(10.0, "sweeps per second", unit="Hz", minimum=1.0, maximum=50.0)
    minimum_range: float = setting(0.9, "shortest range", unit="m", minimum=0.0)
    maximum_range: float = setting(120.0, "longest range", unit="m", minimum=1.0)
    range_noise: float = setting(0.02, "standard deviation of a range", unit="m", minimum=0.0)
    range_quantum: float = setting(0.002, "step of a range", unit="m", minimum=0.0)
    intensity_gain: float = setting(
        0.68, "reading of a white matt surface met square on", minimum=0.0
    )
    intensity_exponent: float = setting(
        0.5, "response of the receiver to brightness: 1 linear, less compresses", minimum=0.05
    )
    intensity_noise: float = setting(0.02, "standard deviation of an intensity", minimum=0.0)
    intensity_quantum: float = setting(0.01, "step of an intensity", minimum=0.0, maximum=1.0)
    reach: float = setting(
        80.0, "distance at which 10 % reflectivity is seen half the time", unit="m", minimum=1.0
    )
    reach_spread: float = setting(
        0.5, "standard deviation of the logarithm of the detection threshold", minimum=0.0
    )
    random_loss: float = setting(
        0.01, "share of returns lost for no reason", minimum=0.0, maximum=1.0
    )
    roughness: float = setting(
        0.9, "brightness at grazing incidence: 0 matt, 1 as bright as square on",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    attenuation: float = setting(0.0005, "of the air", unit="1/m", minimum=0.0)
    glass_transmission: float = setting(
        0.4, "power left after going through a window and back", minimum=0.0, maximum=1.0
    )

    own_roof: tuple[float, float, float, float] = setting(
        (-1.07, 0.93, 0.33, 0.23),
        "what keeps beams from the ground: rear, front, half width, depth below the sensor",
        unit="m",
    )

    def without_flaws(self) -> LidarConfig:
        """The same beams, exact, with nothing lost but what is out of range."""
        return replace(
            self,
            range_noise=0.0,
            range_quantum=0.0,
            intensity_gain=1.0,
            intensity_exponent=1.0,
            intensity_noise=0.0,
            intensity_quantum=0.0,
            reach=1e9,
            reach_spread=0.0,
            random_loss=0.0,
            roughness=1.0,
            glass_transmission=1.0,
            attenuation=0.0,
            own_roof=_NO_ROOF,
        )


_NO_ROOF = (0.0, 0.0, 0.0, 0.0)

LIDARS: dict[str, LidarConfig] = {
    "hdl_64e": LidarConfig(),
    "hdl_32e": LidarConfig(beams="hdl_32e", maximum_range=100.0, own_roof=_NO_ROOF),
    "vlp_16": LidarConfig(beams="vlp_16", columns=1800, maximum_range=100.0, own_roof=_NO_ROOF),
    "nuscenes": LidarConfig(
        beams="hdl_32e", columns=1084, rate=20.0, maximum_range=100.0, own_roof=_NO_ROOF
    ),
}
"""Presets by name."""
