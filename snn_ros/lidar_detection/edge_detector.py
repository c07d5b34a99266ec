"""The `edge` detector on single scans: points in, boxes out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from snn_ros.configuration import ConfigurationError, check
from snn_ros.lidar_detection.detections import DetectionResult
from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.edge import EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_decoding import decode
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import InferenceNetwork, Precision, compile_network
from snn_ros.sparse.tensor import SparseTensor
from snn_ros.spiking.activity import NetworkActivity
from snn_ros.spiking.metering import ActivityMeter

REAL_INPUT_LAYERS = ("stem.0",)
"""That multiply whole features of voxels; all others add up spikes."""


class EdgeDetector:
    """Finds cars, pedestrians and cyclists in single scans, all around."""

    def __init__(self, network: EdgeNetwork, config: DetectorConfig, device: torch.device) -> None:
        """Use a network.

        Args:
            network: deployed, in evaluation mode.
            config: how.
            device: on which it runs.

        Raises:
            ConfigurationError: naming the values that do not fit.
        """
        self._network, self._config, self.device = network.to(device), check(config), device
        self.is_spiking = network.config.activation == "spike"
        if config.meter and not self.is_spiking:
            raise ConfigurationError(
                type(self).__name__, ["meter = True: the twin without spikes has none to count"]
            )
        self._run: Callable[[SparseTensor], HeadOutput] = compile_network(
            self._network, precision=Precision.INT8, execution=Execution(config.threads)
        )

    @torch.no_grad()
    def detect(self, points: NDArray[np.float32], *, meter: bool = False) -> DetectionResult:
        """Detect in one scan; a scan without points in reach gives no boxes.

        Args:
            points: (N, 4) x, y, z in m in the LiDAR's frame (z up), intensity 0..1. Points with
                NaN or infinity are left out.
            meter: count spikes and operations also where the configuration does not ask for it.
        """
        times = [self._now()]
        cloud = torch.tensor(points, dtype=torch.float32, device=self.device)
        cloud[:, 2] += self._config.sensor_height
        shape = self._network.config
        features = voxel_features(cloud, shape.grid)
        looked_at = _nearest(features.tensor, self._config.max_voxels)
        times.append(self._now())
        output, activity = self._output(looked_at, meter or self._config.meter)
        times.append(self._now())
        found = decode(output, shape.site, shape.reach, self._config.decoding)[0]
        times.append(self._now())
        stages = np.diff(times) * 1e3
        return DetectionResult(
            detections=found.raised(-self._config.sensor_height),
            voxels=len(features.tensor.features),
            dropped=features.dropped,
            stage_ms=dict(zip(("voxels", "network", "decoding"), stages.tolist(), strict=True)),
            activity=activity,
            voxels_left_out=len(features.tensor.features) - len(looked_at.features),
        )

    def _now(self) -> float:
        """Seconds; on a GPU, once its work so far is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def _output(self, x: SparseTensor, metered: bool) -> tuple[HeadOutput, NetworkActivity | None]:
        if not metered:
            return self._run(x), None
        if isinstance(self._run, InferenceNetwork):
            return self._run.metered(x)
        with ActivityMeter(self._network, real_input_layers=REAL_INPUT_LAYERS) as meter:
            return self._network(x), meter.read()


def _nearest(x: SparseTensor, most: int) -> SparseTensor:
    """The voxels nearest to the sensor, seen from above; in the order they had."""
    if len(x.features) <= most:
        return x
    coordinates = x.sites.coordinates
    middle = (coordinates.new_tensor(x.sites.spatial_shape[1:]) - 1) / 2
    away = (coordinates[:, 2:] - middle).square().sum(1)
    kept = away.argsort(stable=True)[:most].sort().values
    return SparseTensor(x.features[kept], replace(x.sites, coordinates=coordinates[kept]))
