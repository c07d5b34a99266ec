"""Array fields of messages, filled at memory speed.

Assigning an ndarray or a list to such a field makes rclpy visit every byte in Python: 60 to 200 ms
per MB, where ``array.frombytes`` takes 0.1 ms.
"""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray


def byte_array(values: NDArray, typecode: str = "B") -> array.array:
    """The bytes of an array, row by row, as the type that rclpy stores without looking.

    Args:
        values: of any shape and any dtype, structured ones included.
        typecode: ``B`` for uint8[] fields, ``b`` for int8[].
    """
    result = array.array(typecode)
    result.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return result
