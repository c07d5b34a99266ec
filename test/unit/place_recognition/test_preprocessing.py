import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.place_recognition.preprocessing import ImageError, Preprocessing, patch_normalised

ORDERS = ("resize_first", "gamma_first")


def slowly_normalised(grey, window, ddof):
    half = window // 2
    out = np.zeros(grey.shape)
    for y, x in np.ndindex(grey.shape):
        patch = grey[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1].astype(float)
        deviation = patch.std(ddof=ddof)
        if deviation > 0:
            out[y, x] = np.clip((grey[y, x] - patch.mean()) / deviation, -1, 1)
    return out


@given(seed=st.integers(0, 1000), window=st.sampled_from([3, 5, 7]), sample=st.booleans())
@settings(max_examples=20, deadline=None)
def test_equals_the_slow_way(seed, window, sample):
    random = np.random.default_rng(seed)
    grey = random.integers(0, 256, (12, 9), dtype=np.uint8)
    grey[:6, :6] = 200  # with flat windows
    normal = patch_normalised(grey, window, sample)
    np.testing.assert_allclose(normal, slowly_normalised(grey, window, int(sample)), atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("level", [0, 1, 130, 255])
def test_flat_images_are_all_middle(order, level):
    picture = Preprocessing(order)(np.full((50, 80, 3), level, dtype=np.uint8))
    assert picture.shape == (28, 28)
    assert (picture == 127).all()


@pytest.mark.parametrize("order", ORDERS)
def test_grey_images_are_colour_images_without_colour(order):
    grey = np.random.default_rng(0).integers(0, 256, (60, 90), dtype=np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    preprocessing = Preprocessing(order)
    difference = preprocessing(grey).astype(int) - preprocessing(colour)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("order", ORDERS)
def test_brightness_hardly_matters(order):
    image = np.random.default_rng(0).integers(60, 120, (60, 90, 3), dtype=np.uint8)
    preprocessing = Preprocessing(order)
    difference = preprocessing(image).astype(int) - preprocessing(image + np.uint8(80))
    assert np.abs(difference).mean() < 8


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_image_is_named(image):
    with pytest.raises(ImageError, match=r"needs uint8 \(H, W\)"):
        Preprocessing()(image)


def test_wrong_values_are_all_named():
    with pytest.raises(ImageError, match=r"order is 'none'.*side .* is 0.*window .* is 4"):
        Preprocessing("none", 0, 4)


def test_fingerprints_tell_settings_apart():
    kinds = [
        Preprocessing(),
        Preprocessing(window=5),
        Preprocessing(side=56),
        Preprocessing("gamma_first"),
    ]
    assert len({kind.fingerprint for kind in kinds}) == len(kinds)
    assert Preprocessing().fingerprint == Preprocessing().fingerprint
