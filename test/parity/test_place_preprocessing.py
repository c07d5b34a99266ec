"""Both orders of preprocessing against the authors' programs, to the level."""

import numpy as np
import pytest
from support.place_vectors import below, cases, read

from snn_ros.place_recognition.preprocessing import (
    Preprocessing,
    patch_normalised,
    resized_gamma_corrected,
    resized_grey,
)

GAMMA_WINDOWS = {28: 7, 56: 15}
FLAT = 0.01  # grey levels; there the authors' float32 deviation is rounding noise


def test_resize_first(parity_dir):
    for path in cases(parity_dir, "preprocess"):
        vectors = read(path)
        for name in vectors["names"]:
            case = below(vectors, name)
            grey = resized_grey(case["rgb"], 28)
            np.testing.assert_array_equal(grey, case["snn_grey"], name)
            normal = patch_normalised(grey, 7)
            np.testing.assert_allclose(normal, case["snn_norm"], rtol=0, atol=1e-9, err_msg=name)
            picture = Preprocessing("resize_first", 28, 7)(case["rgb"])
            np.testing.assert_array_equal(picture, case["snn_u8"], name)
            np.testing.assert_array_equal(picture.ravel() / 4, case["snn_rate_hz"], name)


@pytest.mark.parametrize("side", GAMMA_WINDOWS)
def test_gamma_first(parity_dir, side):
    for path in cases(parity_dir, "preprocess"):
        vectors = read(path)
        for name in vectors["names"]:
            case = below(vectors, name)
            preprocessing = Preprocessing("gamma_first", side, GAMMA_WINDOWS[side])
            spikes = preprocessing(case["rgb"]).ravel() / 255
            difference = np.abs(spikes - case[f"tempo{side}_spikes"])
            difference = difference[~flat_windows(case["rgb"], preprocessing)]
            assert (difference > 1e-6).sum() <= 0.01 * spikes.size, name
            assert difference.max(initial=0) <= 1 / 255 + 1e-6, name


def flat_windows(image, preprocessing):
    """Windows without contrast, the slow and plain way."""
    side, half = preprocessing.side, preprocessing.window // 2
    small = resized_gamma_corrected(image, side)
    windows = np.pad(small, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(windows, (2 * half + 1,) * 2)
    return np.nanstd(windows, axis=(2, 3)).ravel() < FLAT
