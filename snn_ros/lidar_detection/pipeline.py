"""The LiDAR detector as a user calls it: points in, boxes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, check
from snn_ros.geometry.rigid import Transform
from snn_ros.lidar_detection.accumulation import ScanAccumulator
from snn_ros.lidar_detection.detections import DetectionResult
from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.edge_detector import EdgeDetector
from snn_ros.lidar_detection.edge_weights import load_edge
from snn_ros.lidar_detection.importing import load_network
from snn_ros.lidar_detection.paper.pipeline import PaperDetector, PaperDetectorConfig
from snn_ros.lidar_detection.paper.voxel_rcnn import VoxelRcnn
from snn_ros.lidar_detection.weights import PROFILES, default_path
from snn_ros.weight_files import WeightsError

_DEVICES = ("auto", "cpu", "cuda")


class ScanDetector(Protocol):
    """Detects in single scans.

    Attributes:
        is_spiking: False for twins with ReLU, which have no spikes to meter.
        device: on which it runs.
    """

    is_spiking: bool
    device: torch.device

    def detect(self, points: NDArray[np.float32], *, meter: bool = False) -> DetectionResult:
        """Detect in points (N, 4)."""


class LidarDetector:
    """Finds road users in scans: `edge` three classes all around, `paper` cars ahead."""

    def __init__(self, detector: ScanDetector, scans: int = 1) -> None:
        """Use a detector of single scans.

        Args:
            detector: whose labels are places in ``scans.CLASSES``.
            scans: laid over each other by the sensor's motion.
        """
        self._detector, self._accumulator = detector, ScanAccumulator(scans)

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
            profile: ``edge`` or ``paper``.
            device: ``auto``, ``cpu`` or ``cuda``.
            weights: file of the network's weights; None for those that come with the package.
            config: how it is used.

        Raises:
            ConfigurationError: profile, device or a setting cannot be had.
            WeightsError: the file cannot be used, or none comes with the package.
        """
        problems = []
        if profile not in PROFILES:
            problems.append(f"profile = {profile!r}: must be one of {', '.join(PROFILES)}")
        if device not in _DEVICES:
            problems.append(f"device = {device!r}: must be one of {', '.join(_DEVICES)}")
        elif device == "cuda" and not torch.cuda.is_available():
            problems.append("device = 'cuda': this machine has none")
        if problems:
            raise ConfigurationError(cls.__name__, problems)
        path, config = weights or default_path(profile), check(config or DetectorConfig())
        make = _edge if profile == "edge" else _paper
        return cls(make(path, config, _chosen(device)), config.scans)

    @property
    def is_spiking(self) -> bool:
        """False for twins with ReLU, which have no spikes to meter."""
        return self._detector.is_spiking

    @property
    def device(self) -> torch.device:
        """On which it runs."""
        return self._detector.device

    def detect(
        self,
        points: NDArray[np.float32],
        pose: Transform | None = None,
        *,
        meter: bool = False,
    ) -> DetectionResult:
        """Detect in one scan; a scan without points in reach gives no boxes.

        No box is wholly outside the extent of the points, and none holds the sensor itself.

        Args:
            points: (N, 4) x, y, z in m in the LiDAR's frame (x forward, z up), intensity 0..1.
                Points with NaN or infinity are left out.
            pose: (4, 4) ``T_fixed_lidar``; needed where several scans are used.
            meter: count spikes and operations, of a network that has some, also where the
                configuration does not ask for it; takes time.

        Raises:
            ConfigurationError: several scans are used, and there is no pose.
        """
        scan = self._accumulator.add(points, pose)
        result = self._detector.detect(scan, meter=meter)
        return replace(result, detections=result.detections.touching(scan).beside_sensor())

    def forget(self) -> None:
        """Forget earlier scans, as after a jump in time."""
        self._accumulator.clear()


def _chosen(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _edge(path: Path, config: DetectorConfig, device: torch.device) -> EdgeDetector:
    return EdgeDetector(load_edge(path), config, device)


def _paper(path: Path, config: DetectorConfig, device: torch.device) -> PaperDetector:
    network = load_network(path)
    if not isinstance(network, VoxelRcnn):
        raise WeightsError(f"{path}: of {type(network).__name__}, must be of a detector of KITTI")
    used = PaperDetectorConfig(
        sensor_height=config.sensor_height,
        score_threshold=config.decoding.score_threshold,
        meter=config.meter,
    )
    return PaperDetector(network, used, device)
