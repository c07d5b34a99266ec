"""The few operations that NumPy and torch spell differently, so that one equation serves both.

Nothing here imports torch: a flight computer can run the cells with NumPy alone.
"""

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A numpy.ndarray or a torch.Tensor; parameters may also be plain floats."""


def is_numpy(array: Array) -> bool:
    """Whether `array` belongs to NumPy; NumPy's scalars do too."""
    return isinstance(array, (np.ndarray, np.generic))


def zeros_like(array: Array) -> Array:
    """Zeros of the shape, dtype and device of `array`."""
    return np.zeros_like(array) if is_numpy(array) else array.new_zeros(array.shape)


def as_numbers(mask: Array, like: Array) -> Array:
    """0 and 1 in the dtype of `like` for False and True."""
    return mask.astype(like.dtype) if is_numpy(mask) else mask.to(like.dtype)


def floor(array: Array) -> Array:
    """Largest integers not above the entries."""
    return np.floor(array) if is_numpy(array) else array.floor()


def detached(array: Array) -> Array:
    """The same values without their gradient; NumPy arrays pass unchanged."""
    return array if is_numpy(array) else array.detach()


def exact_sum(counts: Array) -> int:
    """Sum of integer-valued entries, exact up to 2**53 whatever their dtype."""
    return int(counts.sum(dtype=np.float64) if is_numpy(counts) else counts.double().sum())
