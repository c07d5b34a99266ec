"""Generated pictures: ground, walls with windows, leaves, signs, sky.

Each function is pure: the same arguments and generator state give the same bytes. All but the
signs and the sky can be repeated side by side without a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.appearance import Colour, Lighting

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


def noise(size: int, rng: np.random.Generator, *, roughness: float = 1.0) -> Floats:
    """Seamless (size, size) noise of mean 0 and standard deviation 1.

    Args:
        size: in pixels.
        rng: source of randomness.
        roughness: the amplitude falls with frequency to this power; 0 is white noise.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**roughness
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(size, size))
    return field / field.std()


def asphalt(rng: np.random.Generator, snow: float = 0.0, size: int = 512) -> Image:
    """Grey grain with faint patches; snow lies as slush."""
    grain = 0.37 + 0.035 * noise(size, rng, roughness=0.2) + 0.018 * noise(size, rng, roughness=1.5)
    slush = snow * _step(noise(size, rng, roughness=1.4), 0.9)
    return _image(_mixed(grain[..., None] * np.array([1.0, 1.0, 1.03]), (0.82, 0.84, 0.88), slush))


def paving(rng: np.random.Generator, snow: float = 0.0, size: int = 512, slabs: int = 8) -> Image:
    """Square slabs of slightly different greys with dark joints."""
    tone = 0.56 + 0.03 * rng.standard_normal((slabs, slabs))
    grey = np.kron(tone, np.ones((size // slabs, size // slabs)))
    grey += 0.02 * noise(size, rng, roughness=0.3)
    joint = np.arange(size) % (size // slabs) < 2
    grey[joint | joint[:, None]] *= 0.72
    cover = snow * _step(noise(size, rng, roughness=1.5), -0.4)
    return _image(_mixed(grey[..., None] * np.array([1.02, 1.0, 0.96]), (0.90, 0.92, 0.95), cover))


def grass(rng: np.random.Generator, colour: Colour, snow: float = 0.0, size: int = 512) -> Image:
    """Tufts in shades of a colour, under snow if it lies."""
    shade = 1.0 + 0.16 * noise(size, rng, roughness=0.4) + 0.12 * noise(size, rng, roughness=1.6)
    cover = snow * _step(noise(size, rng, roughness=1.5), -1.2)
    return _image(_mixed(shade[..., None] * np.array(colour), (0.92, 0.94, 0.97), cover))


def leaves(rng: np.random.Generator, size: int = 256) -> Image:
    """Brightness of foliage: light tips and dark gaps, to be coloured by the material."""
    tips = noise(size, rng, roughness=0.75)
    gaps = noise(size, rng, roughness=1.1)
    shade = np.where(gaps < -0.5, 0.40, 0.88) + 0.20 * tips
    return _image(np.repeat(shade[..., None], 3, axis=-1))


def bark(rng: np.random.Generator, size: int = 64) -> Image:
    """Upright streaks."""
    streaks = noise(size, rng, roughness=0.5).mean(axis=0, keepdims=True)
    shade = 1.0 + 0.12 * streaks / streaks.std() + 0.1 * noise(size, rng, roughness=0.3)
    return _image(shade[..., None] * np.array([0.34, 0.27, 0.21]))


@dataclass(frozen=True)
class FacadeStyle:
    """A wall's colours and the proportions of its windows.

    Attributes:
        wall: colour of the upper storeys.
        ground_floor: colour of the ground floor.
        frame: colour of frames and sills.
        window: width and height of a window as shares of a bay and a storey.
        bricks: whether bricks show.
        shops: whether the ground floor has shop windows.
    """

    wall: Colour
    ground_floor: Colour
    frame: Colour
    window: tuple[float, float]
    bricks: bool = False
    shops: bool = False


FACADES = (
    FacadeStyle((0.78, 0.70, 0.55), (0.58, 0.53, 0.46), (0.93, 0.92, 0.88), (0.42, 0.58)),
    FacadeStyle((0.55, 0.30, 0.23), (0.42, 0.25, 0.20), (0.90, 0.89, 0.85), (0.40, 0.52), True),
    FacadeStyle(
        (0.72, 0.74, 0.75), (0.35, 0.36, 0.38), (0.30, 0.31, 0.33), (0.86, 0.55), shops=True
    ),
    FacadeStyle(
        (0.86, 0.84, 0.79), (0.62, 0.36, 0.28), (0.52, 0.38, 0.26), (0.46, 0.56), shops=True
    ),
    FacadeStyle(
        (0.68, 0.57, 0.46), (0.50, 0.44, 0.38), (0.88, 0.87, 0.83), (0.36, 0.60), True, True
    ),
    FacadeStyle((0.60, 0.66, 0.70), (0.46, 0.50, 0.54), (0.94, 0.94, 0.93), (0.50, 0.50)),
)

FACADE_BAYS, FACADE_STOREYS = 6, 4
"""A facade's picture shows so many bays, and storeys of which the lowest is the ground floor."""
FACADE_ROWS = 512
"""Height of a facade's picture in pixels."""


def facade(style: FacadeStyle, lighting: Lighting, rng: np.random.Generator) -> Image:
    """Windows in a wall, (512, 768): the ground floor below three storeys.

    Where lamps are on, some windows are lit and the wall lies in the dark.
    """
    rows, columns = 128, 128
    wall = _wall(style, rng)
    wall *= wall_brightness(lighting)
    for storey in range(FACADE_STOREYS):
        for bay in range(FACADE_BAYS):
            top = (FACADE_STOREYS - 1 - storey) * rows
            cell = wall[top : top + rows, bay * columns : (bay + 1) * columns]
            if storey > 0:
                _window(cell, style, lighting, rng)
            elif bay == 1:
                _door(cell, style, lighting)
            else:
                _ground_floor_window(cell, style, lighting, rng)
    return _image(wall)


def wall_brightness(lighting: Lighting) -> float:
    """How bright walls are drawn beside windows that glow."""
    return 0.3 if lighting.lamp_glow > 0.5 else 0.8 if lighting.lamps else 1.0


def _wall(style: FacadeStyle, rng: np.random.Generator) -> Floats:
    rows, columns = FACADE_STOREYS * 128, FACADE_BAYS * 128
    grain = np.tile(noise(256, rng, roughness=0.9), (2, 3))
    colour = np.empty((rows, columns, 3))
    colour[:-128], colour[-128:] = style.wall, style.ground_floor
    if style.bricks:
        row, column = np.mgrid[:rows, :columns]
        course = row // 6
        joints = (row % 6 == 0) | ((column + 8 * (course % 2)) % 16 == 0)
        tones = 1.0 + 0.10 * rng.standard_normal((course.max() + 1, columns // 16 + 2))
        colour *= tones[course, (column + 8 * (course % 2)) // 16][..., None]
        colour[joints] = colour[joints] * 0.6 + 0.16
    colour *= (1.0 + 0.03 * grain)[..., None]
    for storey in range(1, FACADE_STOREYS):  # a ledge between storeys
        edge = rows - 128 * storey
        colour[edge - 3 : edge + 2] *= 1.10
        colour[edge + 2 : edge + 4] *= 0.72
    return colour


def _window(cell: Floats, style: FacadeStyle, lighting: Lighting, rng: np.random.Generator) -> None:
    """An upper window with frame, cross-bar, sill and sometimes a curtain."""
    rows, columns = cell.shape[:2]
    width, height = int(style.window[0] * columns), int(style.window[1] * rows)
    left, top = (columns - width) // 2, int(0.16 * rows)
    brightness = 1.0 if not lighting.lamps else cell.mean() / max(np.mean(style.wall), 0.1)
    cell[top - 5 : top + height + 5, left - 5 : left + width + 5] = (
        np.array(style.frame) * brightness
    )
    pane = cell[top : top + height, left : left + width]
    pane[:] = _pane(height, lighting, rng)
    if rng.random() < 0.45:
        curtain = max(2, int(rng.uniform(0.1, 0.3) * width))
        pane[:, :curtain] = 0.5 * pane[:, :curtain] + 0.4 * brightness
        pane[:, -curtain:] = 0.5 * pane[:, -curtain:] + 0.4 * brightness
    pane[:, width // 2 - 2 : width // 2 + 2] = np.array(style.frame) * brightness
    pane[height // 3 - 1 : height // 3 + 2] = np.array(style.frame) * brightness
    cell[top + height + 5 : top + height + 9, left - 9 : left + width + 9] *= 0.62  # sill's shadow


def _pane(height: int, lighting: Lighting, rng: np.random.Generator) -> Floats:
    """Glass: the sky's reflection above a dark room, or a lit room, (height, 1, 3)."""
    if lighting.lamps and rng.random() < 0.42:
        warm = np.array([1.0, rng.uniform(0.74, 0.90), rng.uniform(0.42, 0.66)])
        return np.broadcast_to(rng.uniform(0.75, 1.0) * warm, (height, 1, 3))
    share = np.linspace(0.45, 0.05, height)[:, None, None] * rng.uniform(0.6, 1.3)
    room = np.array([0.11, 0.14, 0.18]) * (0.3 if lighting.lamps else 1.0)
    return (1.0 - share) * room + share * np.array(lighting.horizon)


def _door(cell: Floats, style: FacadeStyle, lighting: Lighting) -> None:
    dark = 0.35 if lighting.lamp_glow > 0.5 else 1.0
    cell[18:, 34:94] = np.array(style.frame) * 0.8 * dark
    cell[24:, 40:88] = np.array((0.24, 0.17, 0.12)) * dark
    cell[24:46, 40:88] = (1.0, 0.82, 0.5) if lighting.lamps else (0.25, 0.30, 0.35)
    cell[56:118, 46:62] *= 1.35
    cell[56:118, 66:82] *= 1.35
    cell[84:90, 82:86] = np.array((0.85, 0.75, 0.4)) * dark


def _ground_floor_window(
    cell: Floats, style: FacadeStyle, lighting: Lighting, rng: np.random.Generator
) -> None:
    if not style.shops:
        _window(cell, style, lighting, rng)
        return
    dark = 0.4 if lighting.lamp_glow > 0.5 else 1.0
    sign = np.array([(0.65, 0.15, 0.12), (0.12, 0.28, 0.52), (0.13, 0.40, 0.25), (0.85, 0.68, 0.2)])
    cell[6:26, 4:124] = sign[rng.integers(len(sign))] * max(dark, 0.6)
    for start in np.arange(14, 100, 14)[: rng.integers(3, 7)]:  # letters, from afar
        cell[11:21, start : start + 8] = 0.95 * max(dark, 0.7)
    cell[32:112, 6:122] = np.array(style.frame) * dark
    cell[35:109, 9:119] = _pane(74, lighting, rng)
    for _ in range(5):  # goods on display
        column, row = rng.integers(12, 104), rng.integers(70, 95)
        cell[row:108, column : column + 12] *= rng.uniform(0.6, 1.6, 3)
    cell[35:109, 62:66] = np.array(style.frame) * dark


SIGNS = ("limit_30", "limit_50", "give_way", "stop", "crossing", "priority", "no_entry", "parking")
SIGN_COLUMNS = 4
"""Signs are drawn in rows of so many."""


def signs(size: int = 128) -> Image:
    """Front sides of ``SIGNS``, in rows of ``SIGN_COLUMNS``; the rest of each square is white."""
    rows = -(-len(SIGNS) // SIGN_COLUMNS)
    sheet = np.full((rows * size, SIGN_COLUMNS * size, 3), 255, dtype=np.uint8)
    for i, name in enumerate(SIGNS):
        row, column = divmod(i, SIGN_COLUMNS)
        tile = np.full((size, size, 3), 245, dtype=np.uint8)
        _draw_sign(name, tile, size)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
    return sheet


_RED, _BLUE, _YELLOW, _WHITE, _BLACK = (
    (196, 24, 30), (24, 78, 160), (246, 190, 20), (245, 245, 245), (20, 20, 20),
)  # fmt: skip


def _draw_sign(name: str, tile: Image, size: int) -> None:
    half = size // 2
    if name.startswith("limit"):
        cv2.circle(tile, (half, half), half - 2, _RED, -1, cv2.LINE_AA)
        cv2.circle(tile, (half, half), int(0.37 * size), _WHITE, -1, cv2.LINE_AA)
        _write(tile, name[-2:], 0.018 * size, _BLACK)
    elif name == "give_way":
        _triangle(tile, size, 0.0, _RED)
        _triangle(tile, size, 0.16, _WHITE)
    elif name == "stop":
        tile[:] = _RED
        _write(tile, "STOP", 0.0108 * size, _WHITE)
    elif name == "crossing":
        tile[:] = _BLUE
        corners = np.array([(0.5, 0.12), (0.88, 0.85), (0.12, 0.85)]) * size
        cv2.fillPoly(tile, [corners.astype(np.int32)], _WHITE, cv2.LINE_AA)
        cv2.circle(tile, (half, int(0.40 * size)), int(0.05 * size), _BLACK, -1, cv2.LINE_AA)
        for x in (0.38, 0.62):
            ends = (half, int(0.58 * size)), (int(x * size), int(0.78 * size))
            cv2.line(tile, *ends, _BLACK, int(0.05 * size), cv2.LINE_AA)
        cv2.line(tile, (half, int(0.45 * size)), (half, int(0.6 * size)), _BLACK, int(0.07 * size))
    elif name == "priority":
        corners = np.array([(0.5, 0.02), (0.98, 0.5), (0.5, 0.98), (0.02, 0.5)])
        for scale, colour in ((1.0, _WHITE), (0.75, _YELLOW)):
            inner = ((corners - 0.5) * scale + 0.5) * size
            cv2.fillPoly(tile, [inner.astype(np.int32)], colour, cv2.LINE_AA)
    elif name == "no_entry":
        tile[:] = _RED
        tile[int(0.42 * size) : int(0.58 * size), int(0.16 * size) : int(0.84 * size)] = _WHITE
    else:
        tile[:] = _BLUE
        _write(tile, "P", 0.030 * size, _WHITE)


def _triangle(tile: Image, size: int, inset: float, colour: Sequence[int]) -> None:
    corners = np.array(
        [(1.3 * inset, inset * 0.7), (1 - 1.3 * inset, inset * 0.7), (0.5, 1 - 1.4 * inset)]
    )
    cv2.fillPoly(tile, [(corners * size).astype(np.int32)], colour, cv2.LINE_AA)


def _write(tile: Image, text: str, scale: float, colour: Sequence[int]) -> None:
    """Text in the middle."""
    thickness = max(1, int(3.2 * scale))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    origin = ((tile.shape[1] - width) // 2, (tile.shape[0] + height) // 2)
    cv2.putText(tile, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)


def sky(lighting: Lighting, clouds: float, rng: np.random.Generator, size: int = 256) -> Image:
    """Six faces of a sky with clouds, (6 * size, size), in MuJoCo's order.

    Args:
        lighting: colours of zenith and horizon.
        clouds: share of the sky that is covered.
        rng: source of randomness.
        size: of a face in pixels.
    """
    steps = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    row, column = np.meshgrid(steps, steps, indexing="ij")
    one = np.ones_like(row)
    # Columns run to the right seen from outside the cube (tried against MuJoCo's renderer).
    faces = (
        (one, column, -row), (-one, -column, -row), (column, -row, one),
        (column, row, -one), (column, -one, -row), (-column, one, -row),
    )  # fmt: skip
    field = noise(512, rng, roughness=1.6)
    return np.concatenate(
        [_sky_face(np.stack(face, axis=-1), lighting, clouds, field) for face in faces]
    )


def _sky_face(rays: Floats, lighting: Lighting, clouds: float, field: Floats) -> Image:
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    height = np.clip(rays[..., 2:], 0.0, 1.0)
    zenith, horizon = np.array(lighting.zenith), np.array(lighting.horizon)
    colour = horizon + (zenith - horizon) * height**0.55
    # Where a ray meets a level layer of cloud, in repetitions of the field.
    layer = rays[..., :2] / np.maximum(height + 0.08, 0.05) * 0.09
    pixel = (layer * len(field)).astype(np.int64) % len(field)
    threshold = np.quantile(field, 1.0 - clouds)
    density = _step(field[pixel[..., 1], pixel[..., 0]], threshold) * np.clip(
        5 * height[..., 0], 0, 1
    )
    bright = 0.5 * horizon + 0.5 * min(1.0, float(np.max(horizon)) * 1.1)
    return _image(_mixed(colour, bright, 0.75 * density))


def _step(field: Floats, threshold: float) -> Floats:
    """0 below a threshold, 1 above, softly."""
    return np.clip(0.5 + 1.2 * (field - threshold), 0.0, 1.0)


def _mixed(colour: Floats, other: Sequence[float] | Floats, share: Floats) -> Floats:
    return colour + (np.asarray(other) - colour) * share[..., None]


def _image(colour: Floats) -> Image:
    return (np.clip(colour, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
