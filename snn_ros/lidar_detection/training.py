"""What the `edge` network learns, for ``snn_ros.learning.train``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from snn_ros.configuration import ConfigurationError, from_mapping, setting
from snn_ros.learning.loop import TrainingConfig
from snn_ros.lidar_detection.augmentation import AugmentationConfig, from_road
from snn_ros.lidar_detection.detections import Detections
from snn_ros.lidar_detection.edge import EdgeConfig, EdgeNetwork, HeadOutput
from snn_ros.lidar_detection.edge_batches import DetectionBatch, packed
from snn_ros.lidar_detection.edge_decoding import DecodingConfig, decode
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.edge_targets import detection_loss, make_targets
from snn_ros.lidar_detection.evaluation import detection_scores
from snn_ros.lidar_detection.scans import LabelledScan
from snn_ros.sparse.backends.training import train_compiled
from snn_ros.spiking.modules import SpikingModule

LOW_SCORE = 0.1
"""From which detections count for average precision."""


@dataclass(frozen=True)
class EdgeTrainingConfig:
    """A run: network, training, data and their variations."""

    training: TrainingConfig
    network: EdgeConfig = setting(EdgeConfig, "what is trained")
    augmentation: AugmentationConfig = setting(AugmentationConfig, "how scans are varied")
    decoding: DecodingConfig = setting(DecodingConfig, "which boxes are kept")
    firing_weight: float = setting(
        0.05, "of the mean firing rate in the loss", minimum=0.0
    )  # fmt: skip
    drives: int = setting(
        160, "of the simulator that are learned from; those above are held out",
        minimum=1, maximum=100_000,
    )  # fmt: skip
    held_out_drives: int = setting(34, "that are scored", minimum=1)


def read_edge_config(path: Path) -> EdgeTrainingConfig:
    """The configuration of a run from a YAML file.

    Raises:
        ConfigurationError: the file cannot be read, or lists every unknown key and wrong value.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as err:
        raise ConfigurationError(str(path), [f"cannot be read: {err}"]) from err
    return from_mapping(EdgeTrainingConfig, values, str(path))


class EdgeDetection:
    """The task of ``snn_ros.learning.train``."""

    def __init__(
        self,
        config: EdgeTrainingConfig,
        held_out: Iterable[LabelledScan],
        device: torch.device | str = "cpu",
    ) -> None:
        """A network with new weights, drawn from the run's seed.

        Args:
            config: of the run.
            held_out: scans that are scored; asked for anew each time.
            device: on which to train.
        """
        torch.manual_seed(config.training.seed)
        self.config, self.held_out, self.device = config, held_out, torch.device(device)
        self.model: nn.Module = EdgeNetwork(config.network).to(self.device)
        if self.device.type == "cpu":
            train_compiled(self.model)

    def loss(self, batch: DetectionBatch) -> tuple[Tensor, Mapping[str, float]]:
        """Detection loss, and the price of firing."""
        network = self.config.network
        with _firing_rates(self.model) as rates:
            output = run(self.model, network, batch, self.device)
        targets = make_targets(
            output.sites.coordinates, network.site, network.reach, batch.boxes, batch.labels
        )
        loss, figures = detection_loss(output, targets, network.site)
        if rates:
            rate = torch.stack(rates).mean()
            loss = loss + self.config.firing_weight * rate
            figures["firing_rate"] = rate.item()
        return loss, figures

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """KITTI's scores on the held-out scans."""
        return detection_scores(
            self.held_out,
            lambda scan: self.detect(model, scan),
            self.config.decoding.score_threshold,
        )

    @torch.no_grad()
    def detect(self, model: nn.Module, scan: LabelledScan) -> Detections:
        """Detections of a scan in the LiDAR's frame, also those with low scores."""
        network = self.config.network
        low = dataclasses.replace(self.config.decoding, score_threshold=LOW_SCORE)
        output = run(model, network, packed([from_road(scan)]), self.device)
        found = decode(output, network.site, network.reach, low)[0]
        return found.raised(-scan.sensor_height)


def run(
    model: nn.Module, network: EdgeConfig, batch: DetectionBatch, device: torch.device
) -> HeadOutput:
    """The network's output for a batch."""
    features = voxel_features(
        batch.points.to(device),
        network.grid,
        batch=batch.sample.to(device),
        batch_size=len(batch.boxes),
    )
    output: HeadOutput = model(features.tensor)
    return output


@contextmanager
def _firing_rates(model: nn.Module) -> Iterator[list[Tensor]]:
    """Mean counts of the spiking layers as shares of the largest, while the model runs."""
    rates: list[Tensor] = []

    def keep(layer: nn.Module, _: Any, counts: Tensor) -> None:
        rates.append(counts.mean() / layer.max_count)  # type: ignore[operator]

    hooks = [
        layer.register_forward_hook(keep)
        for layer in model.modules()
        if isinstance(layer, SpikingModule)
    ]
    try:
        yield rates
    finally:
        for hook in hooks:
            hook.remove()
