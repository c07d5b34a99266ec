"""Residuals and directions there and back, with numpy and with torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.geometry.box_coding import (
    DIRECTION_OFFSET,
    decode_boxes,
    direction_of,
    encode_boxes,
    with_direction,
)

ANCHOR = np.array([10.0, -3.0, -1.0, 3.9, 1.6, 1.56, 1.57])


def test_a_residual_by_hand() -> None:
    diagonal = math.hypot(3.9, 1.6)
    box = ANCHOR + np.array([diagonal, -2 * diagonal, 0.78, 0, 0, 0, -0.5])
    box[3:6] *= [math.e, 1.0, math.e**-2]
    np.testing.assert_allclose(encode_boxes(box, ANCHOR), [1, -2, 0.5, 1, 0, -2, -0.5])


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_there_and_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes, anchors = (
        np.hstack(
            [
                random.normal(0, 20, (5, 3)),
                random.uniform(0.3, 8, (5, 3)),
                random.normal(0, 3, (5, 1)),
            ]
        )
        for _ in range(2)
    )
    codes = encode_boxes(boxes, anchors)
    np.testing.assert_allclose(decode_boxes(codes, anchors), boxes, atol=1e-9)
    by_torch = encode_boxes(torch.tensor(boxes), torch.tensor(anchors))
    np.testing.assert_allclose(by_torch.numpy(), codes, atol=1e-12)
    np.testing.assert_allclose(
        decode_boxes(by_torch, torch.tensor(anchors)).numpy(), boxes, atol=1e-9
    )


@pytest.mark.parametrize(
    ("yaw", "second_half"),
    [
        (DIRECTION_OFFSET - 1e-6, True),
        (DIRECTION_OFFSET, False),
        (math.pi - 1e-6, False),
        (math.pi, False),
        (-math.pi, False),
        (-math.pi + 1e-6, False),
        (DIRECTION_OFFSET + math.pi - 1e-6, False),
        (DIRECTION_OFFSET + math.pi + 1e-6, True),
        (0.0, True),
        (-1.57, True),
        (1.57, False),
    ],
)
def test_directions(yaw: float, second_half: bool) -> None:
    assert bool(direction_of(np.array(yaw))) is second_half
    assert bool(direction_of(torch.tensor(yaw, dtype=torch.float64))) is second_half


@settings(deadline=None)
@given(st.floats(-10, 10), st.sampled_from([0, 1]))
def test_half_a_turn_is_told_by_the_direction(yaw: float, flips: int) -> None:
    """Whichever end a residual takes for the front, the direction puts it right."""
    heading = np.array(yaw)
    found = with_direction(heading + flips * math.pi, direction_of(heading))
    distance = math.remainder(float(found) - yaw, 2 * math.pi)
    near_a_border = abs(math.remainder(yaw - DIRECTION_OFFSET, math.pi)) < 1e-9
    assert near_a_border or distance == pytest.approx(0.0, abs=1e-9)
