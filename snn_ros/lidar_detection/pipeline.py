"""The LiDAR detector as a user calls it: points in, boxes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, check, setting
from snn_ros.geometry.rigid import Transform
from snn_ros.lidar_detection.accumulation import ScanAccumulator
from snn_ros.lidar_detection.edge import EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_decoding import DecodingConfig, Detections, decode
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.edge_weights import load_edge
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.sparse.voxels import DroppedPoints
from snn_ros.spiking.activity import NetworkActivity
from snn_ros.spiking.metering import ActivityMeter

PROFILES = ("edge",)
_REAL_INPUT_LAYERS = ("stem.0",)
_DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class DetectorConfig:
    """How a detector is used."""

    sensor_height: float = setting(
        1.73, "of the LiDAR above the road", unit="m", minimum=0.0, maximum=10.0
    )
    decoding: DecodingConfig = setting(DecodingConfig, "which boxes are kept")
    scans: int = setting(
        1, "laid over each other by the sensor's motion; 1: the present one alone",
        minimum=1, maximum=10,
    )  # fmt: skip
    threads: int = setting(2, "of the compiled network on the CPU", minimum=1, maximum=64)
    meter: bool = setting(False, "count spikes and operations; not compiled then, so it takes time")


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """Of one scan.

    Attributes:
        detections: in the frame of the points.
        voxels: that hold points.
        dropped: points that were not looked at.
        stage_ms: time by stage: ``voxels``, ``network``, ``decoding``.
        activity: spikes and operations; None where they are not metered.
    """

    detections: Detections
    voxels: int
    dropped: DroppedPoints
    stage_ms: dict[str, float]
    activity: NetworkActivity | None


class LidarDetector:
    """Finds cars, pedestrians and cyclists in single scans, all around."""

    def __init__(self, network: EdgeNetwork, config: DetectorConfig, device: torch.device) -> None:
        """Use a network.

        Args:
            network: deployed, in evaluation mode.
            config: how.
            device: on which it runs.
        """
        self._network, self._config, self._device = network.to(device), check(config), device
        self._accumulator = ScanAccumulator(config.scans)
        self._run: Callable[[SparseTensor], HeadOutput] = self._network
        if device.type == "cpu" and not config.meter:
            self._run = compile_network(
                network, precision=Precision.INT8, execution=Execution(config.threads)
            )

    @classmethod
    def from_config(
        cls,
        profile: str = "edge",
        device: str = "auto",
        weights: Path | None = None,
        config: DetectorConfig | None = None,
    ) -> LidarDetector:
        """A detector by profile.

        Args:
            profile: ``edge``.
            device: ``auto``, ``cpu`` or ``cuda``.
            weights: file of the network's weights.
            config: how it is used.

        Raises:
            ConfigurationError: profile, device or weights cannot be had.
            WeightsError: the file cannot be used.
        """
        problems = []
        if profile not in PROFILES:
            problems.append(f"profile = {profile!r}: must be one of {', '.join(PROFILES)}")
        if device not in _DEVICES:
            problems.append(f"device = {device!r}: must be one of {', '.join(_DEVICES)}")
        elif device == "cuda" and not torch.cuda.is_available():
            problems.append("device = 'cuda': this machine has none")
        if weights is None:
            problems.append("weights = None: must be a file; none is shipped yet")
        if problems or weights is None:
            raise ConfigurationError(cls.__name__, problems)
        chosen = "cuda" if device == "auto" and torch.cuda.is_available() else device
        return cls(
            load_edge(weights),
            config or DetectorConfig(),
            torch.device("cpu" if chosen == "auto" else chosen),
        )

    @torch.no_grad()
    def detect(self, points: NDArray[np.float32], pose: Transform | None = None) -> DetectionResult:
        """Detect in one scan; a scan without points in reach gives no boxes.

        Args:
            points: (N, 4) x, y, z in m in the LiDAR's frame (z up), intensity 0..1. Points with
                NaN or infinity are left out.
            pose: (4, 4) ``T_fixed_lidar``; needed where several scans are used.

        Raises:
            ConfigurationError: several scans are used, and there is no pose.
        """
        times = [time.perf_counter()]
        points = self._accumulator.add(points, pose)
        cloud = torch.tensor(points, dtype=torch.float32, device=self._device)
        cloud[:, 2] += self._config.sensor_height
        shape = self._network.config
        features = voxel_features(cloud, shape.grid)
        times.append(time.perf_counter())
        activity = None
        if self._config.meter:
            with ActivityMeter(self._network, real_input_layers=_REAL_INPUT_LAYERS) as meter:
                output = self._run(features.tensor)
                activity = meter.read()
        else:
            output = self._run(features.tensor)
        times.append(time.perf_counter())
        found = decode(output, shape.site, shape.reach, self._config.decoding)[0]
        times.append(time.perf_counter())
        stages = np.diff(times) * 1e3
        return DetectionResult(
            detections=found.raised(-self._config.sensor_height),
            voxels=len(features.tensor.features),
            dropped=features.dropped,
            stage_ms=dict(zip(("voxels", "network", "decoding"), stages.tolist(), strict=True)),
            activity=activity,
        )

    def forget(self) -> None:
        """Forget earlier scans, as after a jump in time."""
        self._accumulator.clear()
