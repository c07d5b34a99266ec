"""Added mass of a prolate spheroid against Lamb's table and limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.vehicles.spheroid import added_mass_factors, volume

# H. Lamb, Hydrodynamics, article 115: length over width, k1, k2, k'; the hand-made table is good
# to 0.003 only, as the identity below shows.
TABLE = [(1.5, 0.305, 0.621, 0.094), (2.0, 0.209, 0.702, 0.240), (3.99, 0.082, 0.860, 0.608)]


@pytest.mark.parametrize(("ratio", "axial", "lateral", "rotational"), TABLE)
def test_agrees_with_lamb(ratio: float, axial: float, lateral: float, rotational: float) -> None:
    assert added_mass_factors(ratio, 1.0) == pytest.approx((axial, lateral, rotational), abs=3e-3)


def test_a_sphere_carries_half_its_displaced_mass() -> None:
    assert added_mass_factors(0.4, 0.4) == (0.5, 0.5, 0.0)
    assert added_mass_factors(0.4001, 0.4) == pytest.approx((0.5, 0.5, 0.0), abs=1e-3)


@given(st.floats(1.001, 50.0), st.floats(0.05, 5.0))
def test_factors_depend_on_the_ratio_alone_and_stay_in_range(ratio: float, radius: float) -> None:
    axial, lateral, rotational = added_mass_factors(ratio * radius, radius)
    assert 0.0 < axial <= 0.5 <= lateral < 1.0
    assert 0.0 <= rotational < 1.0
    # alpha + 2 beta = 2, for the demagnetising integrals of any spheroid
    assert 2 * axial / (1 + axial) + 4 * lateral / (1 + lateral) == pytest.approx(2.0, abs=1e-6)
    assert (axial, lateral, rotational) == pytest.approx(added_mass_factors(ratio, 1.0), abs=1e-6)


def test_an_oblate_spheroid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"radius = 0\.5"):
        added_mass_factors(0.4, 0.5)


def test_volume_of_a_sphere() -> None:
    assert volume(0.3, 0.3) == pytest.approx(4 / 3 * math.pi * 0.027)
