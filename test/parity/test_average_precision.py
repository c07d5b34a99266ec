"""KITTI's protocol against the evaluator of the streaming detector's authors, every figure."""

from pathlib import Path

import numpy as np
import pytest

from snn_ros.kitti.labels import KittiLabel
from snn_ros.metrics.kitti import evaluate_kitti

CLASSES = ("Car", "Pedestrian", "Cyclist", "Van")
MEASURES = {"image": "bbox", "bev": "bev", "3d": "3d"}


@pytest.fixture(scope="module")
def clips(parity_dir: Path) -> list[dict[str, np.ndarray]]:
    files = sorted((parity_dir / "stereo_streaming").glob("sap_ap_[A-Z].npz"))
    if not files:
        pytest.skip(f"authors' vectors: no {parity_dir}/stereo_streaming/sap_ap_*.npz")
    return [dict(np.load(file)) for file in files]


def labels_of(clip: dict[str, np.ndarray], kind: str, frame: int) -> list[KittiLabel]:
    of_truth = kind == "gt"
    return [
        KittiLabel(
            class_name=CLASSES[clip[f"{kind}_class"][i]],
            truncation=float(clip["gt_truncated"][i]) if of_truth else 0.0,
            occlusion=int(clip["gt_occluded"][i]) if of_truth else 0,
            image_box=tuple(clip[f"{kind}_bbox"][i]),
            size=tuple(clip[f"{kind}_dimensions"][i, [1, 2, 0]]),  # theirs: length, height, width
            location=tuple(clip[f"{kind}_location"][i]),
            rotation_y=float(clip[f"{kind}_rotation_y"][i]),
            score=None if of_truth else float(clip["det_score"][i]),
        )
        for i in np.flatnonzero(clip[f"{kind}_frame"] == frame)
    ]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("looseness", [0, 1])
def test_offline(clips, measure: str, looseness: int) -> None:
    for clip in clips:
        frames = [
            (labels_of(clip, "gt", frame), labels_of(clip, "det", frame))
            for frame in range(len(clip["clip_of_frame"]))
        ]
        overlaps = clip["min_overlap_strict_loose"][looseness, list(MEASURES).index(measure)]
        least = dict(zip(CLASSES[:3], overlaps.tolist(), strict=True))
        found = evaluate_kitti(frames, least_overlap=least, measures=[measure])
        for name in ("r11", "r40"):
            figures = [getattr(result, name) for result in found.values()]
            expected = clip[f"offline_{MEASURES[measure]}_{name.upper()}"][:, :, looseness]
            # nothing to find is 0 for them
            np.testing.assert_allclose(np.nan_to_num(figures), expected.ravel(), atol=1e-9)
