"""The published KITTI detector as a user calls it: points in, boxes out."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, check, setting
from snn_ros.lidar_detection.detections import DetectionResult, Detections
from snn_ros.lidar_detection.paper.blocks import Rectifying
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, SCORE_THRESHOLD, VoxelRcnn
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import compile_network
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.activity import NetworkActivity
from snn_ros.spiking.metering import ActivityMeter

KITTI_SENSOR_HEIGHT = 1.73  # m above the road


@dataclass(frozen=True)
class PaperDetectorConfig:
    """How the published detector is used."""

    sensor_height: float = setting(
        KITTI_SENSOR_HEIGHT, "of the LiDAR above the road", unit="m", minimum=0.0, maximum=10.0
    )
    score_threshold: float = setting(SCORE_THRESHOLD, "least score", minimum=0.0, maximum=1.0)
    capped: bool = setting(
        True, "voxels of the first 5 points each, at most 40 000; as in training", read_only=True
    )
    meter: bool = setting(False, "count spikes and operations; takes time")


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
        self.is_spiking = not isinstance(network.cells, Rectifying)
        if self._config.meter and not self.is_spiking:
            raise ConfigurationError(
                type(self).__name__, ["meter = True: the twin without spikes has none to count"]
            )
        self._network = network.eval() if device is None else network.to(device).eval()
        self._network.score_threshold = self._config.score_threshold
        self.device = next(self._network.parameters()).device
        self._backbone_3d = compile_network(
            self._network.backbone_3d, execution=Execution(torch.get_num_threads())
        )
        self._raise = self._config.sensor_height - KITTI_SENSOR_HEIGHT

    @torch.no_grad()
    def detect(self, points: NDArray[np.float32], *, meter: bool = False) -> DetectionResult:
        """Detect in one scan; a scan without points in range gives no boxes.

        Args:
            points: (N, 4) x, y, z in m in the LiDAR's frame (x forward, z up), reflectance 0..1.
                Points with NaN or infinity are left out.
            meter: count spikes and operations also where the configuration does not ask for it.
        """
        times = [time.perf_counter()]
        cloud = torch.tensor(points, dtype=torch.float32, device=self.device)
        cloud[:, 2] += self._raise
        caps = KITTI_CAPS if self._config.capped else None
        voxels = voxelise(cloud, self._network.grid, caps=caps)
        times.append(time.perf_counter())
        x = self._network.tensor_of(voxels, batch_size=1)
        found, activity = self._run(x, meter or self._config.meter)
        times.append(time.perf_counter())
        return DetectionResult(
            detections=found.raised(-self._raise),
            voxels=len(voxels.features),
            dropped=voxels.dropped,
            stage_ms=dict(zip(("voxels", "network"), (np.diff(times) * 1e3).tolist(), strict=True)),
            activity=activity,
        )

    def _run(self, x: SparseTensor, metered: bool) -> tuple[Detections, NetworkActivity | None]:
        if not metered:
            return self._network(x, self._backbone_3d)[0], None
        layers = self._network.real_input_layers
        with ActivityMeter(self._network, real_input_layers=layers) as meter:
            return self._network(x)[0], meter.read()
