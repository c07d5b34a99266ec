"""How a detector is used."""

from __future__ import annotations

from dataclasses import dataclass

from snn_ros.configuration import setting
from snn_ros.lidar_detection.edge_decoding import DecodingConfig


@dataclass(frozen=True)
class DetectorConfig:
    """Settings of both profiles."""

    sensor_height: float = setting(
        1.73, "of the LiDAR above the road", unit="m", minimum=0.0, maximum=10.0
    )
    decoding: DecodingConfig = setting(
        DecodingConfig, "which boxes are kept; of it the paper profile takes the least score alone"
    )
    scans: int = setting(
        1, "laid over each other by the sensor's motion; 1: the present one alone",
        minimum=1, maximum=10,
    )  # fmt: skip
    max_voxels: int = setting(
        80_000, "that the edge profile looks at; those farthest away are left out", minimum=1000
    )
    threads: int = setting(2, "of the compiled network on the CPU", minimum=1, maximum=64)
    meter: bool = setting(False, "count spikes and operations of every scan, which takes time")
