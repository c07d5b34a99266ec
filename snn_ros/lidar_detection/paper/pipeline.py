"""The published KITTI detector as a user calls it: points in, boxes out."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, check, setting
from snn_ros.lidar_detection.paper.blocks import Rectifying
from snn_ros.lidar_detection.paper.detections import Detections
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, VoxelRcnn
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.sparse.voxels import DroppedPoints, voxelise
from snn_ros.spiking.activity import NetworkActivity
from snn_ros.spiking.metering import ActivityMeter

KITTI_SENSOR_HEIGHT = 1.73  # m above the road


@dataclass(frozen=True)
class PaperDetectorConfig:
    """How the published detector is used."""

    sensor_height: float = setting(
        KITTI_SENSOR_HEIGHT, "of the LiDAR above the road", unit="m", minimum=0.0, maximum=10.0
    )
    capped: bool = setting(
        True, "voxels of the first 5 points each, at most 40 000; as in training", read_only=True
    )
    meter: bool = setting(False, "count spikes and operations; takes time")


@dataclass(frozen=True, eq=False)
class PaperResult:
    """Of one scan.

    Attributes:
        detections: in the frame of the points.
        voxels: that hold points.
        dropped: points that were not looked at.
        stage_ms: time by stage: ``voxels``, ``network``.
        activity: spikes and operations; None where they are not metered.
    """

    detections: Detections
    voxels: int
    dropped: DroppedPoints
    stage_ms: dict[str, float]
    activity: NetworkActivity | None


class PaperDetector:
    """Finds cars ahead in single scans, as far as the front camera of KITTI sees."""

    def __init__(
        self,
        network: VoxelRcnn,
        config: PaperDetectorConfig | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Use a network.

        Args:
            network: spiking, or its twin, e.g. of ``importing.load_network``.
            config: how it is used.
            device: on which it runs; None for that of the network.

        Raises:
            ConfigurationError: naming the values that do not fit.
        """
        self._config = check(config or PaperDetectorConfig())
        if self._config.meter and isinstance(network.cells, Rectifying):
            raise ConfigurationError(
                type(self).__name__, ["meter = True: the twin without spikes has none to count"]
            )
        self._network = network.eval() if device is None else network.to(device).eval()
        self._raise = self._config.sensor_height - KITTI_SENSOR_HEIGHT

    @torch.no_grad()
    def detect(self, points: NDArray[np.float32]) -> PaperResult:
        """Detect in one scan; a scan without points in range gives no boxes.

        Args:
            points: (N, 4) x, y, z in m in the LiDAR's frame (x forward, z up), reflectance 0..1.
                Points with NaN or infinity are left out.
        """
        times = [time.perf_counter()]
        device = next(self._network.parameters()).device
        cloud = torch.tensor(points, dtype=torch.float32, device=device)
        cloud[:, 2] += self._raise
        caps = KITTI_CAPS if self._config.capped else None
        voxels = voxelise(cloud, self._network.grid, caps=caps)
        times.append(time.perf_counter())
        found, activity = self._run(self._network.tensor_of(voxels, batch_size=1))
        times.append(time.perf_counter())
        boxes = found.boxes.clone()
        boxes[:, 2] -= self._raise
        return PaperResult(
            detections=found._replace(boxes=boxes),
            voxels=len(voxels.features),
            dropped=voxels.dropped,
            stage_ms=dict(zip(("voxels", "network"), (np.diff(times) * 1e3).tolist(), strict=True)),
            activity=activity,
        )

    def _run(self, x: SparseTensor) -> tuple[Detections, NetworkActivity | None]:
        if not self._config.meter:
            return self._network(x)[0], None
        layers = self._network.real_input_layers
        with ActivityMeter(self._network, real_input_layers=layers) as meter:
            return self._network(x)[0], meter.read()
