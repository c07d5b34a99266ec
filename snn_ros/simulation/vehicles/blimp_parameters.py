"""The blimp as numbers: hull, masses, drag and drive.

Hull axes: origin at the hull's centre, where the buoyancy acts; x along the hull to the front, y to
the left, z up. The frame ``base_link`` (REP-103) has the same axes and its origin at the range
finder, the lowest point, so that its height above the floor is the altitude that is controlled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from snn_ros.configuration import setting
from snn_ros.simulation.vehicles import spheroid

Vector = tuple[float, float, float]

GRAVITY = 9.81  # m/s²
AIR_DENSITY = 1.204  # kg/m³, 20 °C at sea level
HELIUM_DENSITY = 0.1664  # kg/m³, 20 °C at sea level


class VerticalPlant(NamedTuple):
    """Thrust and vertical drag per effective mass, fitted to one published flight.

    Attributes:
        gain: static acceleration at full duty of both motors, in m/s².
        exponent: thrust grows with duty to this power.
        lag: time constant of the thrust in s.
        drag: quadratic vertical drag in 1/m.
    """

    gain: float
    exponent: float
    lag: float
    drag: float


VERTICAL_PLANTS = {
    "A": VerticalPlant(gain=0.816, exponent=2.0, lag=0.03, drag=0.386),
    "B": VerticalPlant(gain=2.56, exponent=3.1, lag=0.45, drag=1.13),
}


@dataclass(frozen=True)
class BlimpParameters:
    """An indoor blimp with two motors on one tilting shaft below a helium hull.

    The defaults weigh 140 g under the hull and float neutrally; with the air that the hull carries
    along, the effective vertical mass is 0.45 kg.
    """

    kind: str = setting("blimp", "kind of vehicle", choices=("blimp",))
    plant: str = setting(
        "A", "fitted thrust curve, motor lag and vertical drag", choices=tuple(VERTICAL_PLANTS)
    )
    reversible: bool = setting(False, "the motors turn both ways, with equal thrust")
    battery: float = setting(1.0, "thrust over nominal thrust", minimum=0.1, maximum=2.0)
    half_length: float = setting(0.575, "half length of the hull", unit="m", minimum=0.1)
    radius: float = setting(0.303, "radius of the hull", unit="m", minimum=0.1)
    skin_mass: float = setting(0.089, "mass of the empty hull", unit="kg", minimum=0.001)
    gondola_mass: float = setting(
        0.130, "mass below the hull without trim ballast", unit="kg", minimum=0.001
    )
    gondola_depth: float = setting(0.34, "gondola below the hull's centre", unit="m", minimum=0.0)
    thruster_arm: float = setting(0.12, "motor to the side of the middle", unit="m", minimum=0.0)
    thruster_depth: float = setting(0.34, "shaft below the hull's centre", unit="m", minimum=0.0)
    range_finder_depth: float = setting(
        0.37, "range finder below the hull's centre", unit="m", minimum=0.0
    )
    servo_rate: float = setting(
        10.471975511965978, "speed of the shaft: half a turn in 0.3 s", unit="rad/s", minimum=0.1
    )
    axial_drag: float = setting(0.04, "quadratic drag along the hull", unit="N s²/m²", minimum=0.0)
    linear_drag: Vector = setting(
        (0.0115, 0.0115, 0.0), "linear drag in x, y, z", unit="N s/m", minimum=0.0
    )
    rotational_drag: Vector = setting(
        (0.0, 0.008, 0.008), "quadratic drag about x, y, z", unit="N m s²", minimum=0.0
    )
    rotational_linear_drag: Vector = setting(
        (0.0098, 0.0098, 0.0098), "linear drag about x, y, z", unit="N m s", minimum=0.0
    )

    def problems(self) -> list[str]:
        """What does not fit together, as ``name = value: reason``."""
        if self.radius > self.half_length:
            return [f"radius = {self.radius!r}: must be at most half_length {self.half_length!r}"]
        if self.trim_ballast < 0.0:
            lift = self.displaced_mass - self.gas_mass - self.skin_mass
            return [f"gondola_mass = {self.gondola_mass!r}: the hull lifts only {lift:.3f} kg"]
        return []

    @property
    def vertical_plant(self) -> VerticalPlant:
        """The fitted thrust curve and drag in use."""
        return VERTICAL_PLANTS[self.plant]

    @cached_property
    def displaced_mass(self) -> float:
        """Mass of the air displaced, in kg: what the buoyancy carries."""
        return AIR_DENSITY * spheroid.volume(self.half_length, self.radius)

    @property
    def gas_mass(self) -> float:
        """Mass of the helium in kg."""
        return HELIUM_DENSITY * spheroid.volume(self.half_length, self.radius)

    @property
    def trim_ballast(self) -> float:
        """Ballast in kg that makes the blimp float neutrally."""
        return self.displaced_mass - self.gas_mass - self.skin_mass - self.gondola_mass

    @cached_property
    def added_mass(self) -> Vector:
        """Mass in kg of the air carried along in x, y and z."""
        factors = spheroid.added_mass_factors(self.half_length, self.radius)
        lateral = factors.lateral * self.displaced_mass
        return (factors.axial * self.displaced_mass, lateral, lateral)

    @cached_property
    def added_inertia(self) -> Vector:
        """Inertia in kg m² of the air carried along about x, y and z."""
        factors = spheroid.added_mass_factors(self.half_length, self.radius)
        square = self.half_length**2 + self.radius**2
        lateral = factors.rotational * self.displaced_mass * square / 5.0
        return (0.0, lateral, lateral)

    @cached_property
    def effective_mass(self) -> float:
        """What vertical forces accelerate, in kg: the neutral blimp and its added mass."""
        return self.displaced_mass + self.added_mass[2]

    @cached_property
    def quadratic_drag(self) -> Vector:
        """Quadratic drag in x, y, z in N s²/m²; the hull is as wide as it is high."""
        lateral = self.vertical_plant.drag * self.effective_mass
        return (self.axial_drag, lateral, lateral)

    def static_thrust(self, duty: float) -> float:
        """Thrust in N that one motor settles at.

        Args:
            duty: duty cycle, limited to 0..1, or to ±1 with reversible motors.
        """
        plant = self.vertical_plant
        limited = min(max(duty, -1.0 if self.reversible else 0.0), 1.0)
        full = self.battery * plant.gain * self.effective_mass / 2.0
        return math.copysign(full * abs(limited) ** plant.exponent, limited)
