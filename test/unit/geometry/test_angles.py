"""Angles put into one turn."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.geometry.angles import wrap_angle


@given(st.floats(-50, 50))
def test_wrapped_angles(angle: float) -> None:
    wrapped = float(wrap_angle(np.array(angle)))
    assert -np.pi <= wrapped < np.pi + 1e-12
    np.testing.assert_allclose(
        [np.cos(wrapped), np.sin(wrapped)], [np.cos(angle), np.sin(angle)], atol=1e-9
    )


@given(st.floats(-50, 50), st.floats(-3, 3))
def test_half_turns_from_anywhere(angle: float, start: float) -> None:
    wrapped = float(wrap_angle(torch.tensor(angle, dtype=torch.float64), start, math.pi))
    assert start <= wrapped < start + math.pi + 1e-12
    assert abs(math.remainder(wrapped - angle, math.pi)) < 1e-9
