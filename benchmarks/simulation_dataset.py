"""Speed of training data: frames of a drive made, its start included, and samples read again.

Example: ``python -m benchmarks.simulation_dataset``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.output import json_target, publish
from snn_ros.simulation.dataset import StreetDataset
from snn_ros.simulation.render import RendererError

_LIDAR = {"sensors.lidar": "hdl_64e", "sensors.lidar_columns": 1024}
_STEREO = {"sensors.lidar": "none", "sensors.cameras": "stereo"}
_SURROUND = {"sensors.lidar": "none", "sensors.cameras": "surround"}


def speeds(changes: dict[str, Any], **options: Any) -> tuple[float, float]:
    """Frames made per second, and samples read per second after that; NaN without a renderer."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = StreetDataset(
            ["street_twenty_cars"], changes=changes, cache_dir=Path(folder), **options
        )
        try:
            made = _seconds(lambda: dataset[0])
        except RendererError:
            return math.nan, math.nan
        read = _seconds(lambda: [dataset[index] for index in range(len(dataset))])
        return options["frames_per_drive"] / made, len(dataset) / read


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure all kinds of samples."""
    target = json_target(__doc__)
    # what is compiled, is compiled before
    speeds(_LIDAR, frames_per_drive=1)
    scores: dict[str, float] = {}
    for name, changes, options in (
        ("lidar", _LIDAR, {"frames_per_drive": 40}),
        ("stereo", _STEREO, {"frames_per_drive": 20, "past": 1, "future": 2}),
        ("surround_2hz", _SURROUND, {"frames_per_drive": 12, "stride": 5, "past": 2, "future": 6}),
    ):
        made, read = speeds(changes, **options)
        scores |= {f"{name}_frames_made_per_s": made, f"{name}_samples_read_per_s": read}
    publish("simulation_dataset", "street_twenty_cars", scores, target)


if __name__ == "__main__":
    main()
