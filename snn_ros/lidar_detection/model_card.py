"""The page that goes with weights of the `edge` network."""

from __future__ import annotations

from snn_ros.lidar_detection.weights import Manifest

_TEXT = """# {name}

Weights of `LidarDetector`, profile `edge` ({activation}): cars, pedestrians and cyclists in single
LiDAR scans, all around (`snn_ros/lidar_detection`). int8, {parameters} numbers.

- Data: none recorded. {drives} simulated drives of `street-random` (seeds 0 to {last_drive}),
  twelve scans of each by one of three LiDARs (64, 32, 16 beams) at 1.4 to 2.2 m, varied as
  `config/models/lidar_detection_edge.yaml` says.
- Method: surrogate gradients on the int8 grid, AdamW on one cycle; seed {seed}.
- Commands, one after the other, each beginning with what the one before it learned:
{commands}
- Scores on {held_out} held-out drives (seeds from 100000, 64 beams), KITTI's protocol:

| figure | value |
|---|---|
{scores}

- Limits: see `docs/lidar_detection.md`. Never trained on a real scan.
- Licence: {licence}
"""


def card(name: str, manifest: Manifest, parameters: int) -> str:
    """Markdown.

    Args:
        name: of the weights.
        manifest: theirs; its ``training`` is that of ``snn-ros train``.
        parameters: numbers in the file.
    """
    training = manifest.training
    scores = "\n".join(f"| {key} | {value:.2f} |" for key, value in manifest.scores.items())
    return _TEXT.format(
        name=name,
        activation=manifest.config["activation"],
        parameters=f"{parameters:,}",
        drives=training["drives"],
        last_drive=training["drives"] - 1,
        seed=training["seed"],
        commands="\n".join(f"  - `{command}`" for command in training["commands"]),
        held_out=training["held_out_drives"],
        scores=scores,
        licence=manifest.licence,
    )
