"""What enters the integral while the output is clipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.blimp_control.anti_windup import (
    FACTORS,
    METHODS,
    back_calculation,
    conditional_integration,
)


def test_every_method_has_a_factor():
    assert set(FACTORS) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
@given(error=st.floats(-1.5, 1.5), excess=st.floats(-20.0, 20.0))
def test_factors_are_bounded_and_one_without_excess(method, error, excess):
    assert -1.0 <= FACTORS[method](error, excess) <= 1.0
    assert FACTORS[method](error, 0.0) == 1.0


def test_conditional_stops_only_what_pushes_further():
    assert conditional_integration(0.5, 2.0) == 0.0
    assert conditional_integration(-0.5, 2.0) == 1.0
    assert conditional_integration(-0.5, -2.0) == 0.0


def test_back_calculation_feeds_the_error_less_the_excess_over_the_gain():
    # e 1.0 m, 4.5 u too much: what enters is 1.0 - 4.5 / 9 = 0.5 m
    assert back_calculation(1.0, 4.5) == pytest.approx(0.5)
    assert back_calculation(0.2, 3.6) == -1.0
    assert back_calculation(0.0, 3.6) == 0.0
