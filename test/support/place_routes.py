"""Small made-up routes: places with structure of all sizes, seen several times."""

import numpy as np

from snn_ros.place_recognition.preprocessing import Preprocessing


def textures(amount: int, side: int, seed: int) -> np.ndarray:
    """(amount, side, side) fields of mean 0 and deviation 1 whose amplitude falls with 1/f."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    noise = np.fft.fft2(random.standard_normal((amount, side, side)))
    fields = np.fft.ifft2(noise / frequency).real
    return fields / fields.std(axis=(1, 2), keepdims=True)


def images(fields: np.ndarray) -> np.ndarray:
    return np.clip(128 + 40 * fields, 0, 255).astype(np.uint8)


def traverses(places: int, side: int, amount: int = 2, noise: float = 0.6, seed: int = 0):
    """(places, side, side) pictures of each traverse."""
    common, own = textures(1, side, seed), textures(places, side, seed + 1)
    scene = (common + own) / np.sqrt(2)
    preprocess = Preprocessing(side=side)
    return tuple(
        np.stack([preprocess(i) for i in images(scene + noise * textures(places, side, seed + k))])
        for k in range(2, 2 + amount)
    )


class Street:
    """A street whose looks change smoothly, with a new scene every metre; it can be seen again."""

    def __init__(self, metres: int, side: int = 28, seed: int = 0) -> None:
        self.scenes = textures(metres + 1, side, seed)

    def image(self, metre: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
        """(side, side, 3) uint8 seen at a way along the street."""
        first = min(int(metre), len(self.scenes) - 2)
        share = (metre - first) * np.pi / 2
        scene = np.cos(share) * self.scenes[first] + np.sin(share) * self.scenes[first + 1]
        if noise:
            scene = scene + noise * textures(1, scene.shape[0], 1000 + seed + round(100 * metre))[0]
        return np.repeat(images(scene)[..., None], 3, axis=2)
