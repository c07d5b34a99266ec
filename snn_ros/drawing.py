"""Points and boxes drawn into pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.geometry.boxes import Boxes, box_corners
from snn_ros.geometry.image_boxes import project_edges
from snn_ros.geometry.rigid import Transform

Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""
Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

BACKGROUND: Colour = (24, 26, 30)
INK: Colour = (235, 235, 235)
TRUE_BOX: Colour = (90, 255, 120)

_GROUND: Colour = (12, 12, 12)
_RING: Colour = (48, 48, 52)
_RINGS = 10.0  # m from one to the next
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5


def top_view(points: NDArray[np.floating], size: int, reach: float) -> Image:
    """Points seen from above, (size, size, 3): the middle is the origin, up is along x.

    Args:
        points: (N, 3 or more) x, y in m, z in m above the road, which gives the colour.
        size: of the picture in pixels.
        reach: from the middle to an edge in m.
    """
    view = np.full((size, size, 3), _GROUND, dtype=np.uint8)
    scale = size / (2 * reach)
    for radius in np.arange(_RINGS, reach, _RINGS):
        cv2.circle(view, (size // 2, size // 2), round(radius * scale), _RING, 1)
    column, row = np.round(_from_above(points[:, :2], size, reach)).astype(np.int64).T
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    order = np.argsort(points[inside, 2], kind="stable")  # the highest are drawn last
    height = np.clip((points[inside, 2] + 0.3) / 3.0, 0.0, 1.0)
    view[row[inside][order], column[inside][order]] = colour_map(0.15 + 0.8 * height)[order]
    return view


def draw_from_above(view: Image, boxes: Boxes, reach: float, colour: Colour) -> None:
    """Outline boxes (N, 7) in a picture of ``top_view``, with a stroke ahead of each."""
    size = view.shape[0]
    for box, corners in zip(boxes, box_corners(boxes), strict=True):
        outline = _from_above(corners[:4, :2], size, reach)
        front = _from_above(corners[:2, :2].mean(axis=0), size, reach)
        stroke = np.stack([_from_above(box[:2], size, reach), front])
        for line, closed in ((outline, True), (stroke, False)):
            pixels = [np.round(line).astype(np.int32)]
            cv2.polylines(view, pixels, closed, colour, 1, cv2.LINE_AA)


def draw_in_camera(
    picture: Image,
    boxes: Boxes,
    camera_from_boxes: Transform,
    intrinsics: Floats,
    colour: Colour,
) -> None:
    """Draw the edges of boxes into a camera's picture.

    Args:
        picture: of the camera, changed.
        boxes: (N, 7) in some frame.
        camera_from_boxes: ``T_camera_frame``, (4, 4); camera axes x right, y down, z forward.
        intrinsics: (3, 3) pinhole matrix.
        colour: of the lines.
    """
    edges = project_edges(boxes, camera_from_boxes, intrinsics).reshape(-1, 2, 2)
    for start, end in np.round(edges[np.isfinite(edges).all(axis=(1, 2))]).astype(np.int64):
        cv2.line(picture, start.tolist(), end.tolist(), colour, 1, cv2.LINE_AA)


def write_text(picture: Image, text: str, left: int, top: int, colour: Colour = INK) -> None:
    """Write a short text on a dark ground, readable on any picture."""
    (width, height), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    left, top = max(left, 0), max(top, 0)
    picture[top : top + height + 10, left : left + width + 10] = BACKGROUND
    origin = (left + 5, top + height + 5)
    cv2.putText(picture, text, origin, _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)


def colour_map(values: Floats) -> NDArray[np.uint8]:
    """(N, 3) RGB from blue (0) to red (1)."""
    if len(values) == 0:
        return np.zeros((0, 3), dtype=np.uint8)
    codes = (values * 255.0).astype(np.uint8)[:, None]
    return cv2.applyColorMap(codes, cv2.COLORMAP_TURBO)[:, 0, ::-1]


def _from_above(places: NDArray[np.floating], size: int, reach: float) -> Floats:
    """(..., 2) column and row of places (..., 2) x, y."""
    return np.asarray(size / 2 - places[..., ::-1] * (size / (2 * reach)), dtype=np.float64)
