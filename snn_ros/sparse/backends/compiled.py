"""The compiled kernels (src/sparse), loaded by ctypes, and the structures they take.

They are built with the package. Where they are missing, the reference in torch does the work.
"""

from __future__ import annotations

import ctypes
import logging
from ctypes import POINTER, Structure, c_float, c_int32, c_int64, c_void_p
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from snn_ros.errors import SnnRosError

LIBRARY = Path(__file__).with_name("libsnn_ros_sparse.so")
CHANNEL_MULTIPLE = 16
"""Rows of features are padded with zeros to a multiple of this many channels."""

_logger = logging.getLogger(__name__)


class LibraryMissing(SnnRosError):
    """The compiled kernels were not built, do not load, or lack a function."""


class InstructionSet(IntEnum):
    """What a kernel was compiled for; a CPU runs its best one and all below."""

    PORTABLE = 0
    AVX2 = 1
    AVX512_VNNI = 2


class RulebookPointers(Structure):
    """`Rulebook` of src/sparse/kernels.h."""

    _fields_ = (
        ("inputs", c_void_p),
        ("outputs", c_void_p),
        ("starts", c_void_p),
        ("offsets", c_int32),
        ("num_inputs", c_int32),
        ("num_outputs", c_int32),
    )


class WeightPointers(Structure):
    """`Weights` of src/sparse/kernels.h."""

    _fields_ = (
        ("values", c_void_p),
        ("steps", c_int32),
        ("in_stride", c_int32),
        ("out_stride", c_int32),
    )


class EpiloguePointers(Structure):
    """`Epilogue` of src/sparse/kernels.h."""

    _fields_ = (
        ("scale", c_void_p),
        ("bias", c_void_p),
        ("shortcut", c_void_p),
        ("membrane", c_void_p),
        ("spikes", c_void_p),
        ("counts", c_void_p),
        ("active", c_void_p),
        ("rectified", c_void_p),
        ("max_count", c_int32),
        ("counts_per_unit", c_float),
    )


class ConvolutionPointers(Structure):
    """`Convolution` of src/sparse/kernels.h; the events are filled in by the library."""

    _fields_ = (
        ("rulebook", RulebookPointers),
        ("weights", WeightPointers),
        ("epilogue", EpiloguePointers),
        ("features", c_void_p),
        ("active", c_void_p),
        ("events", c_void_p * 2),
    )


class WeightGradientPointers(Structure):
    """`WeightGradient` of src/sparse/kernels.h."""

    _fields_ = (
        ("rulebook", RulebookPointers),
        ("features", c_void_p),
        ("gradient", c_void_p),
        ("sums", c_void_p),
        ("in_channels", c_int32),
        ("out_channels", c_int32),
    )


def pointer(array: NDArray[Any] | None) -> int | None:
    """Address of an array; None for none.

    Raises:
        ValueError: if it is not contiguous: the kernels would read other memory.
    """
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError(f"array of strides {array.strides}: must be contiguous")
    return array.ctypes.data


def is_available() -> bool:
    """Whether the compiled kernels load; says so once where they do not."""
    try:
        library()
    except LibraryMissing as err:
        _note_missing(str(err))
        return False
    return True


@cache
def library() -> ctypes.CDLL:
    """The library with its argument types declared.

    Raises:
        LibraryMissing: naming the file and the reason.
    """
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
        _declare(loaded)
    except (OSError, AttributeError) as err:  # the latter where it was built from older sources
        raise LibraryMissing(f"{LIBRARY}: {err}") from err
    return loaded


def _declare(loaded: ctypes.CDLL) -> None:
    loaded.snn_ros_instruction_set.restype = c_int32
    for name in ("floats", "counts", "events", "float_events", "wide_counts", "wide_events"):
        function = getattr(loaded, f"snn_ros_convolve_{name}")
        function.argtypes = (POINTER(ConvolutionPointers), c_int32, c_int32)
        function.restype = None
    loaded.snn_ros_weight_gradient.argtypes = (POINTER(WeightGradientPointers), c_int32, c_int32)
    loaded.snn_ros_weight_gradient.restype = None
    loaded.snn_ros_submanifold.argtypes = (
        c_void_p, c_int32, c_void_p, c_int32, c_void_p, c_void_p, c_void_p,
    )  # fmt: skip
    loaded.snn_ros_submanifold.restype = None
    loaded.snn_ros_strided_begin.argtypes = (
        c_void_p, c_int32, c_void_p, c_int32, POINTER(c_int64), POINTER(c_int64),
    )  # fmt: skip
    loaded.snn_ros_strided_begin.restype = c_void_p
    loaded.snn_ros_strided_finish.argtypes = (c_void_p,) * 5
    loaded.snn_ros_strided_finish.restype = None
    loaded.snn_ros_voxelise_begin.argtypes = (
        c_void_p, c_void_p, c_int32, c_int32, c_void_p, POINTER(c_int32), POINTER(c_int32),
        POINTER(c_int32),
    )  # fmt: skip
    loaded.snn_ros_voxelise_begin.restype = c_void_p
    loaded.snn_ros_voxelise_finish.argtypes = (
        c_void_p, c_void_p, c_int32, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p,
    )  # fmt: skip
    loaded.snn_ros_voxelise_finish.restype = None


@cache
def best_instruction_set() -> InstructionSet:
    """The best one that this CPU runs."""
    return InstructionSet(library().snn_ros_instruction_set())


@cache
def _note_missing(reason: str) -> None:
    _logger.warning("sparse networks run on plain torch, several times slower: %s", reason)
