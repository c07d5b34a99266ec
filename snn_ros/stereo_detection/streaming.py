"""What streaming costs: which result was the newest when each frame's truth came true.

Streaming accuracy (M. Li, Y. Wang, D. Ramanan, ECCV 2020): the truth at a moment is compared with
the newest result that is finished by then, whatever frame it was made from. A detector takes the
newest frame there is, drops older ones that waited, and idles when there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError
from snn_ros.kitti.labels import KittiLabel
from snn_ros.metrics.kitti import Frame

NO_RESULT = -1
KITTI_PERIOD = 0.1  # s between frames


class LatencyError(SnnRosError):
    """Latencies cannot be used; the text names the value."""


def newest_results(
    frames: int, latencies: Iterator[float], *, period: float = KITTI_PERIOD
) -> NDArray[np.int64]:
    """Which frame the newest result at each frame's moment was made from.

    A result that is finished at that very moment counts. Before the first there is none, so the
    first frame never has any; the last one is held until the clip ends.

    Args:
        frames: of the clip, the first of which comes at 0.
        latencies: from taking a frame to its result, in the unit of ``period``; one is taken for
            each frame that is processed, and the iterator goes on with the next clip.
        period: between frames.

    Returns:
        (frames,) indices of frames, ``NO_RESULT`` before the first result.

    Raises:
        LatencyError: if a latency is not above 0, or there are too few.
    """
    finished: list[float] = []
    processed: list[int] = []
    clock, frame = 0.0, 0
    while frame < frames:
        clock = max(clock, frame * period) + _valid(next(latencies, None))
        processed.append(frame)
        finished.append(clock)
        arrived = min(int(clock // period), frames - 1)
        frame = max(arrived, frame + 1)
    moments = np.arange(frames) * period
    newest = np.searchsorted(finished, moments, side="right") - 1
    return np.where(newest < 0, NO_RESULT, np.array(processed, dtype=np.int64)[newest])


def streamed(
    labels: Sequence[Sequence[KittiLabel]],
    detections: Sequence[Sequence[KittiLabel]],
    sources: NDArray[np.int64],
) -> list[Frame]:
    """Frames of one clip for ``evaluate_kitti``: truth with the newest result at its moment.

    Args:
        labels: of each frame.
        detections: made from each frame.
        sources: of ``newest_results``.
    """
    return [
        (truth, [] if source == NO_RESULT else detections[source])
        for truth, source in zip(labels, sources.tolist(), strict=True)
    ]


def _valid(latency: float | None) -> float:
    if latency is None:
        raise LatencyError("latencies: fewer than frames that are processed")
    if not latency > 0:
        raise LatencyError(f"latency {latency!r}: must be above 0")
    return latency
