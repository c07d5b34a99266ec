import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.geometry.rigid import interpolate, inverse, quaternion_of, rigid_transform

metres = st.floats(-1e3, 1e3)
quaternions = (
    st.tuples(*[st.floats(-1, 1)] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)
)
transforms = st.builds(
    lambda x, y, z, q: rigid_transform((x, y, z), q), metres, metres, metres, quaternions
)


def yaw(angle, translation=(0, 0, 0)):
    return rigid_transform(translation, (0, 0, math.sin(angle / 2), math.cos(angle / 2)))


@given(transforms)
def test_a_transform_is_a_rotation_and_a_shift(transform):
    rotation = transform[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert transform[3].tolist() == [0, 0, 0, 1]


@given(transforms)
def test_the_inverse_undoes_it(transform):
    assert np.allclose(inverse(transform) @ transform, np.eye(4), atol=1e-9)


@given(quaternions)
def test_a_quaternion_comes_back_as_the_same_rotation(quaternion):
    again = quaternion_of(rigid_transform((0, 0, 0), quaternion))
    assert again[3] >= 0
    assert abs(again @ quaternion) == pytest.approx(np.linalg.norm(quaternion))


def test_a_quarter_turn_about_z_sends_x_to_y():
    assert np.allclose(yaw(math.pi / 2, (1, 2, 3)) @ [1, 0, 0, 1], [1, 3, 3, 1])


def test_the_zero_quaternion_is_no_rotation():
    with pytest.raises(ValueError, match="zero norm"):
        rigid_transform((0, 0, 0), (0, 0, 0, 0))


@given(st.floats(0, 1), st.floats(-3, 3), metres)
def test_interpolation_turns_at_a_constant_rate_along_a_straight_line(fraction, angle, distance):
    between = interpolate(yaw(0), yaw(angle, (distance, 0, 0)), fraction)
    assert np.allclose(between, yaw(fraction * angle, (fraction * distance, 0, 0)), atol=1e-9)


@given(transforms, transforms)
def test_interpolation_begins_and_ends_where_it_should(start, end):
    assert np.allclose(interpolate(start, end, 0.0), start, atol=1e-9)
    assert np.allclose(interpolate(start, end, 1.0), end, atol=1e-9)


def test_interpolation_takes_the_shorter_way_round():
    between = interpolate(yaw(math.radians(170)), yaw(math.radians(-170)), 0.5)
    assert np.allclose(between, yaw(math.pi), atol=1e-9)
