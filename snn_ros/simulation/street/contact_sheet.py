"""One picture that shows at a glance what a simulation made."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.drawing import (
    BACKGROUND,
    INK,
    TRUE_BOX,
    Floats,
    Image,
    colour_map,
    draw_from_above,
    write_text,
)
from snn_ros.drawing import top_view as points_from_above
from snn_ros.geometry.rigid import inverse
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.sensors.mounts import CameraMount
from snn_ros.simulation.street.scene import BIRDS_EYE
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation

WIDTH = 1440
"""Of the sheet in pixels."""

_GAP, _TITLE_HEIGHT = 8, 44
_BIRDS_EYE_SIZE = (720, 720)
_TOP_VIEW_REACH = 45.0  # m to each side of the vehicle
_COLOUR_RANGE = 50.0  # m, from red (near) to blue


def contact_sheet(
    title: str,
    birds_eye: Image | None,
    pictures: Mapping[str, Image],
    points: Floats,
    mounts: Sequence[CameraMount],
    boxes: Floats,
) -> Image:
    """Arrange a bird's-eye view, the LiDAR's points and all cameras' pictures.

    Args:
        title: one line on top.
        birds_eye: (H, W, 3) RGB; None where nothing can be drawn.
        pictures: (H, W, 3) RGB by name of the camera.
        points: (N, 3) of one scan in ``base_link``, in m; may be empty.
        mounts: of the cameras; the points are also drawn on the first one's picture.
        boxes: (M, 7) true boxes in ``base_link``, drawn around the points.

    Returns:
        (H, ``WIDTH``, 3) uint8 RGB.
    """
    from_above = {"LiDAR and true boxes from above": top_view(points, boxes)}
    if birds_eye is not None:
        from_above = {"bird's eye": birds_eye, **from_above}
    rows = [_title(title), _row(from_above)]
    if mounts:
        first = mounts[0]
        enlarged = _tile(pictures[first.name], WIDTH - 2 * _GAP)
        overlay = projected(enlarged, points, first)
        rows.append(_row({f"LiDAR on {first.name}": overlay}))
    names = [mount.name for mount in mounts]
    in_a_row = 3 if len(names) > 2 else 2
    for start in range(0, len(names), in_a_row):
        shown = {name: pictures[name] for name in names[start : start + in_a_row]}
        rows.append(_row(shown, columns=in_a_row))
    gap = np.full((_GAP, WIDTH, 3), BACKGROUND, dtype=np.uint8)
    return np.concatenate([part for row in rows for part in (row, gap)])


def sheet_of(title: str, street: StreetSimulation, readings: StreetReadings) -> Image:
    """The contact sheet of one period of a drive, right after it.

    Args:
        title: one line on top.
        street: still at the end of that period.
        readings: of the period.
    """
    points = np.zeros((0, 3))
    if readings.scan is not None:
        pose = street.lidar_pose
        points = readings.scan.positions @ pose[:3, :3].T + pose[:3, 3]
    boxes = readings.objects.labels.seen_from(inverse(readings.pose)).boxes
    birds_eye = None
    with contextlib.suppress(RendererError), Renderer(street.scene.model) as renderer:
        birds_eye = renderer.frame(street.scene.data, BIRDS_EYE, size=_BIRDS_EYE_SIZE)
    return contact_sheet(title, birds_eye, readings.images, points, street.mounts, boxes)


def projected(picture: Image, points: Floats, mount: CameraMount) -> Image:
    """A picture with points on it, red near and blue far.

    Args:
        picture: (H, W, 3) RGB of the camera, maybe enlarged.
        points: (N, 3) in ``base_link``, in m.
        mount: the camera.
    """
    camera = inverse(mount.pose)
    seen = points @ camera[:3, :3].T + camera[:3, 3]
    seen = seen[seen[:, 2] > 0.5]
    scale = picture.shape[1] / mount.width
    column = (mount.fx * seen[:, 0] / seen[:, 2] + mount.cx + 0.5) * scale - 0.5
    row = (mount.fy * seen[:, 1] / seen[:, 2] + mount.cy + 0.5) * scale - 0.5
    inside = (column > -0.5) & (column < picture.shape[1] - 0.5)
    inside &= (row > -0.5) & (row < picture.shape[0] - 0.5)
    result = picture.copy()
    for x, y, colour in zip(
        column[inside], row[inside], _range_colours(seen[inside, 2]), strict=True
    ):
        cv2.circle(result, (round(x), round(y)), 1, colour.tolist(), -1)
    return result


def top_view(points: Floats, boxes: Floats, size: int = 600) -> Image:
    """Points and boxes in ``base_link`` seen from above, with the vehicle in the middle."""
    view = points_from_above(points, size, _TOP_VIEW_REACH)
    draw_from_above(view, boxes, _TOP_VIEW_REACH, TRUE_BOX)
    scale = size / (2 * _TOP_VIEW_REACH)
    front, rear, side = 3.3 * scale, 0.8 * scale, 0.9 * scale  # the ego vehicle about base_link
    upper_left = (round(size / 2 - side), round(size / 2 - front))
    lower_right = (round(size / 2 + side), round(size / 2 + rear))
    cv2.rectangle(view, upper_left, lower_right, (255, 255, 255), 1)
    return view


def _range_colours(ranges: Floats) -> NDArray[np.uint8]:
    return colour_map(1.0 - np.clip(ranges / _COLOUR_RANGE, 0.0, 1.0))


def _title(text: str) -> Image:
    bar = np.full((_TITLE_HEIGHT, WIDTH, 3), BACKGROUND, dtype=np.uint8)
    cv2.putText(bar, text, (_GAP, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.75, INK, 1, cv2.LINE_AA)
    return bar


def _row(pictures: Mapping[str, Image], columns: int | None = None) -> Image:
    """Pictures side by side, all as wide, cut to the height of the lowest."""
    columns = columns or len(pictures)
    width = (WIDTH - _GAP * (columns + 1)) // columns
    tiles = [_tile(picture, width) for picture in pictures.values()]
    height = min(tile.shape[0] for tile in tiles)
    row = np.full((height, WIDTH, 3), BACKGROUND, dtype=np.uint8)
    for i, (name, tile) in enumerate(zip(pictures, tiles, strict=True)):
        start, cut = _GAP + i * (width + _GAP), (tile.shape[0] - height) // 2
        row[:, start : start + width] = tile[cut : cut + height]
        write_text(row, name, start, 0)
    return row


def _tile(picture: Image, width: int) -> Image:
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
