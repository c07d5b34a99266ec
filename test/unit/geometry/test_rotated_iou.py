"""Overlap of boxes against closed forms, a slow clip of polygons, and what must hold for any."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import polygon_oracle

from snn_ros.geometry.boxes import transform_boxes
from snn_ros.geometry.rotated_iou import (
    bev_iou,
    bev_iou_matrix,
    common_area,
    iou_3d,
    iou_3d_matrix,
    nearest_bev_iou,
)

UNIT = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
EIGHTH = math.pi / 4


def box(**changes: float) -> np.ndarray:
    names = ("x", "y", "z", "dx", "dy", "dz", "yaw")
    return np.array([changes.get(name, value) for name, value in zip(names, UNIT, strict=True)])


@pytest.mark.parametrize(
    ("first", "second", "area"),
    [
        (box(), box(), 1.0),
        (box(), box(yaw=math.pi / 2), 1.0),
        (box(), box(yaw=-3 * math.pi), 1.0),
        (box(), box(yaw=EIGHTH), 2.0 * (math.sqrt(2.0) - 1.0)),  # a regular octagon
        (box(), box(x=1.0), 0.0),  # they touch along a side
        (box(), box(x=1.0, y=1.0), 0.0),  # at a corner
        (box(), box(x=0.5), 0.5),
        (box(), box(x=0.25, y=-0.5), 0.375),
        (box(dx=4.0, dy=4.0), box(x=0.5, y=-0.3, yaw=0.7), 1.0),  # contained
        (box(dx=10.0), box(dx=10.0, yaw=math.pi / 2), 1.0),  # a cross
        (box(dx=10.0), box(dx=10.0, yaw=EIGHTH), math.sqrt(2.0)),  # a rhombus of height 1
        (box(dx=10.0), box(dx=10.0, yaw=math.pi / 6), 2.0),
        (box(), box(x=0.5 + math.sqrt(0.5), yaw=EIGHTH), 0.0),  # a corner at a side
        (box(), box(x=0.5, yaw=EIGHTH), 0.5 - (math.sqrt(0.5) - 0.5) ** 2),
        (box(), box(x=3.0), 0.0),
        (box(), box(dx=0.0), 0.0),
    ],
)
def test_closed_forms(first: np.ndarray, second: np.ndarray, area: float) -> None:
    for a, b in ((first, second), (second, first)):
        assert common_area(a, b) == pytest.approx(area, abs=1e-12)


def test_intersection_over_union() -> None:
    first, second = box(), box(x=0.5, z=0.5, dz=2.0)
    assert bev_iou(first, second) == pytest.approx(0.5 / 1.5)
    assert iou_3d(first, second) == pytest.approx(0.5 / 2.5)  # they share their heights 0..0.5
    assert iou_3d(first, box(z=1.0)) == 0.0
    assert iou_3d(first, box(dx=0.0)) == 0.0


coordinates = st.floats(-3, 3)
sizes = st.floats(0.05, 5)
boxes = st.tuples(coordinates, coordinates, coordinates, sizes, sizes, sizes, st.floats(-7, 7))


@settings(deadline=None)
@given(boxes, boxes)
def test_against_clipped_polygons(first, second) -> None:
    expected = polygon_oracle.common_area(first, second)
    assert common_area(np.array(first), np.array(second)) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(boxes, st.floats(-1e-9, 1e-9), st.floats(-1e-9, 1e-9), st.integers(-4, 4))
def test_nearly_the_same_rectangle(one, shift, turn, quarters) -> None:
    """Edges that coincide but for rounding neither count twice nor get lost."""
    first = np.array(one)
    second = first + np.array([shift, -shift, 0, 0, 0, 0, turn + quarters * math.pi / 2])
    if quarters % 2:
        second[[3, 4]] = second[[4, 3]]
    assert bev_iou(first, second) == pytest.approx(1.0, abs=1e-6)


@settings(deadline=None)
@given(boxes, boxes, coordinates, coordinates, st.floats(-7, 7))
def test_what_holds_for_any_two(first, second, x, y, yaw) -> None:
    first, second = np.array([first]), np.array([second])
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    turn[:3, 3] = 10.0 * x, 10.0 * y, x
    moved = [transform_boxes(one, turn) for one in (first, second)]
    for measure in (bev_iou, iou_3d):
        value = measure(first, second)[0]
        assert 0.0 <= value <= 1.0
        assert measure(second, first)[0] == pytest.approx(value, abs=1e-9)
        assert measure(*moved)[0] == pytest.approx(value, abs=1e-9)
        assert measure(first, first)[0] == pytest.approx(1.0, abs=1e-9)


def test_matrices_leave_nothing_out() -> None:
    random = np.random.default_rng(3)
    first, second = (
        np.hstack(
            [
                random.uniform(-8, 8, (n, 3)),
                random.uniform(0.2, 6, (n, 3)),
                random.uniform(-4, 4, (n, 1)),
            ]
        )
        for n in (40, 60)
    )
    for matrix, measure in ((bev_iou_matrix, bev_iou), (iou_3d_matrix, iou_3d)):
        expected = measure(first[:, None], second[None])
        np.testing.assert_allclose(matrix(first, second), expected, atol=1e-15)
        assert (expected > 0).mean() > 0.02
    assert bev_iou_matrix(first[:0], second).shape == (0, 60)


def test_nearest_axes() -> None:
    first = np.array([box(dx=4.0, dy=2.0), box(dx=4.0, dy=2.0, yaw=1.57)])
    second = np.array([box(dx=4.0, dy=2.0, yaw=0.7), box(x=2.0, dx=4.0, dy=2.0, yaw=-2.0)])
    expected = [[1.0, 2.0 / 14.0], [4.0 / 12.0, 0.0]]
    np.testing.assert_allclose(nearest_bev_iou(first, second), expected, atol=1e-12)
    both = torch.tensor(first), torch.tensor(second)
    np.testing.assert_allclose(nearest_bev_iou(*both).numpy(), expected, atol=1e-12)


def test_gradients_of_torch() -> None:
    generator = torch.Generator().manual_seed(5)
    scale = torch.tensor([1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 3.0])
    shift = torch.tensor([0.0, 0.0, 0.0, 2.0, 1.5, 1.5, 0.0])
    first, second = (
        (torch.rand(12, 7, generator=generator) * scale + shift).double().requires_grad_()
        for _ in range(2)
    )
    assert torch.autograd.gradcheck(iou_3d, (first, second))


def test_gradients_stay_finite_where_edges_coincide() -> None:
    same = torch.tensor(np.array([UNIT, UNIT, [5.0, *UNIT[1:]]])).requires_grad_()
    iou_3d(same[:, None], same[None]).sum().backward()
    assert torch.isfinite(same.grad).all()


def test_single_precision_far_from_the_origin() -> None:
    first, second = box(x=70.0, y=-40.0, yaw=0.3), box(x=70.25, y=-40.0, yaw=0.4)
    exact = bev_iou(first, second)
    rough = bev_iou(torch.tensor(first).float(), torch.tensor(second).float())
    assert rough.dtype == torch.float32
    assert float(rough) == pytest.approx(exact, abs=1e-5)
