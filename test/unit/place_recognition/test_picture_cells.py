import numpy as np
import pytest

from snn_ros.place_recognition.picture_cells import CellsConfig, CellsError

CELLS = CellsConfig()
SIDE, SQUARE = 56, CELLS.square
INSIDE = slice(1, -1)  # squares that no border reaches


def grating(direction, phase=0.0):
    """(SIDE, SIDE) wave of the filters' length whose edges have one of the directions."""
    y, x = np.mgrid[:SIDE, :SIDE]
    angle = direction * np.pi / CELLS.orientations
    across = x * np.cos(angle) + y * np.sin(angle)
    wave = np.sin(2 * np.pi * across / CELLS.wavelength + phase)
    return np.rint(127.5 + 100 * wave).astype(np.uint8)


def edges(counts):
    return counts[INSIDE, INSIDE, : CELLS.orientations]


@pytest.mark.parametrize("direction", range(CELLS.orientations))
def test_edges_of_a_direction_excite_the_cells_of_that_direction(direction):
    seen = edges(CELLS.counts(grating(direction)))
    assert (seen.argmax(axis=2) == direction).all()
    assert (seen[..., direction] == CELLS.max_count).all()
    across = (direction + CELLS.orientations // 2) % CELLS.orientations
    assert seen[..., across].max() <= 1


def test_bright_edges_and_dark_edges_are_the_same_edges():
    for direction in (0, 3):
        first = edges(CELLS.counts(grating(direction)))
        for phase in (np.pi / 2, np.pi):
            turned = edges(CELLS.counts(grating(direction, phase)))
            assert np.abs(first.astype(int) - turned).max() <= 1


def test_faint_edges_count_like_strong_ones():
    random = np.random.default_rng(0)
    noise = random.normal(0, 1, (SIDE, SIDE))
    faint, strong = (np.rint(127.5 + size * noise).clip(0, 255) for size in (10, 30))
    counted = [edges(CELLS.counts(p.astype(np.uint8))).astype(int) for p in (faint, strong)]
    assert np.abs(counted[0] - counted[1]).max() <= 1


def test_on_and_off_cells_split_the_contrast():
    picture = np.full((SIDE, SIDE), 127.5)
    picture[:, : SIDE // 2], picture[:, SIDE // 2 :] = 255, 0
    contrasts = CELLS.counts(picture.astype(np.uint8))[..., CELLS.orientations :]
    on, off = contrasts[..., ::2], contrasts[..., 1::2]
    middle = SIDE // 2 // SQUARE
    assert (on[:, :middle] == CELLS.contrast_gain).all()
    assert (off[:, :middle] == 0).all()
    assert (on[:, middle:] == 0).all()
    assert (off[:, middle:] == CELLS.contrast_gain).all()


def test_a_moved_picture_moves_the_cells():
    random = np.random.default_rng(1)
    scene = np.full((SIDE, SIDE), 127, dtype=np.uint8)
    scene[12:-12, 12:-12] = random.integers(0, 256, (SIDE - 24, SIDE - 24))
    here = CELLS.counts(scene)
    there = CELLS.counts(np.roll(scene, (SQUARE, -2 * SQUARE), axis=(0, 1)))
    np.testing.assert_array_equal(there, np.roll(here, (1, -2), axis=(0, 1)))


def test_counts_are_whole_bounded_and_none_where_there_is_nothing():
    random = np.random.default_rng(2)
    for shape in ((SIDE, SIDE), (30, 71)):
        counts = CELLS.counts(random.integers(0, 256, shape, dtype=np.uint8))
        channels = CELLS.orientations + 2 * CELLS.parts**2
        assert counts.shape == (shape[0] // SQUARE, shape[1] // SQUARE, channels)
        assert counts.dtype == np.uint8
        assert 0 < counts.max() <= CELLS.max_count
        assert not CELLS.counts(np.full(shape, 127, dtype=np.uint8)).any()


def test_every_wrong_value_is_named():
    with pytest.raises(CellsError, match=r"wavelength .*-1.*max_count .*200.*square .*4, 3"):
        CellsConfig(wavelength=-1.0, max_count=200, parts=3)
