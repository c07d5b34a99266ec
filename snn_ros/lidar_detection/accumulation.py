"""The last few scans in the frame of the newest one."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError
from snn_ros.geometry.rigid import Transform, inverse


class ScanAccumulator:
    """Adds earlier scans to the present one, moved by how the sensor moved.

    What stands still becomes denser; what moves leaves a trail.
    """

    def __init__(self, scans: int) -> None:
        """Keep some scans.

        Args:
            scans: the present one and those before it; 1 adds nothing.
        """
        self._earlier: deque[tuple[NDArray[np.float32], Transform]] = deque(maxlen=scans - 1)

    def add(self, points: NDArray[np.float32], pose: Transform | None) -> NDArray[np.float32]:
        """The points of all kept scans, those of the present one first.

        Args:
            points: (N, 4) x, y, z in m and intensity.
            pose: (4, 4) ``T_fixed_lidar``, such as of odometry; None only where one scan is kept.

        Raises:
            ConfigurationError: a pose is needed and absent.
        """
        if self._earlier.maxlen == 0:
            return points
        if pose is None:
            raise ConfigurationError(
                type(self).__name__, ["pose = None: earlier scans cannot be moved without it"]
            )
        clouds = [points]
        for earlier, where in self._earlier:
            step = (inverse(pose) @ where).astype(np.float32)
            moved = earlier.copy()
            moved[:, :3] = earlier[:, :3] @ step[:3, :3].T + step[:3, 3]
            clouds.append(moved)
        self._earlier.appendleft((points, pose))
        return np.concatenate(clouds)

    def clear(self) -> None:
        """Forget earlier scans, as after a jump in time."""
        self._earlier.clear()
