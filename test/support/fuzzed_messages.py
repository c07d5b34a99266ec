"""Messages in which any field may hold any value of its type, drawn by hypothesis."""

import array
import math
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st


class Leaf(NamedTuple):
    """One field of a message, or of a message inside it, that holds no message itself."""

    owner: object
    field: str
    type: str


def leaves(message):
    for field, type_ in message.get_fields_and_field_types().items():
        value = getattr(message, field)
        if hasattr(value, "get_fields_and_field_types"):
            yield from leaves(value)
            continue
        yield Leaf(message, field, type_)
        if isinstance(value, list):
            for item in value:
                if hasattr(item, "get_fields_and_field_types"):
                    yield from leaves(item)


FLOATS = st.floats(width=32) | st.sampled_from([0.0, -1.0, 1.0, math.nan, math.inf, 1e38])
DOUBLES = st.floats() | st.sampled_from([0.0, -1.0, 1.0, math.nan, -math.inf, 1e300])
NAMES = st.sampled_from(
    ["", "x", "_", "frame", "map", "mono8", "mono16", "32FC1", "16UC1", "rgba8", "bayer_rggb8",
     "equidistant", "\U0001f916", "a" * 300]
)  # fmt: skip


def integers(low, high):
    near = st.integers(max(low, -3), min(high, 20))
    edges = st.sampled_from([low, high, min(high, 10**9), high // 2 + 1])
    return near | edges | st.integers(low, high)


SCALARS = {
    "double": DOUBLES,
    "float": FLOATS,
    "boolean": st.booleans(),
    "string": NAMES,
    "uint8": integers(0, 2**8 - 1),
    "uint16": integers(0, 2**16 - 1),
    "int32": integers(-(2**31), 2**31 - 1),
    "uint32": integers(0, 2**32 - 1),
}


def values_of(leaf):
    """Any value that may come over the wire in this field."""
    if leaf.type in SCALARS:
        return SCALARS[leaf.type]
    old = getattr(leaf.owner, leaf.field)
    if isinstance(old, np.ndarray):  # a fixed number of doubles
        return st.lists(DOUBLES, min_size=len(old), max_size=len(old)).map(np.array) | st.builds(
            lambda i, x: np.where(np.arange(len(old)) == i, x, old),
            st.integers(0, len(old) - 1),
            DOUBLES,
        )
    if isinstance(old, array.array) and old.typecode in "fd":
        numbers = FLOATS if old.typecode == "f" else DOUBLES
        return st.lists(numbers, max_size=9).map(lambda x: array.array(old.typecode, x))
    if isinstance(old, array.array):  # bytes: cut, stretched or changed
        raw = old.tobytes()
        return (
            st.integers(0, 80).map(lambda n: raw[:n])
            | st.binary(max_size=90)
            | st.builds(
                lambda i, b: raw[:i] + b + raw[i + 1 :],
                st.integers(0, len(raw)),
                st.binary(min_size=1, max_size=1),
            )
        ).map(lambda b: array.array(old.typecode, b))
    return st.permutations(old) | st.sampled_from([[], old[:1], old + old[:1]])  # messages


def spoil(message, data, *, at_least):
    """Change up to four fields of a message, data being hypothesis' source of draws."""
    for _ in range(data.draw(st.integers(at_least, 4))):
        leaf = data.draw(st.sampled_from(list(leaves(message))))
        setattr(leaf.owner, leaf.field, data.draw(values_of(leaf)))
