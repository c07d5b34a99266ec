"""Overlap, suppression and coding of boxes against what the authors of two detectors computed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from snn_ros.geometry.box_coding import decode_boxes, encode_boxes, with_direction
from snn_ros.geometry.nms import rotated_nms
from snn_ros.geometry.rotated_iou import bev_iou_matrix, iou_3d, iou_3d_matrix

# Their kernel takes corners up to 1 cm outside a box as inside.
CORNER_MARGIN = 2e-3


@pytest.fixture(scope="module")
def heads(parity_dir: Path) -> list[dict[str, np.ndarray]]:
    files = sorted((parity_dir / "stereo_streaming").glob("head_[A-Z].npz"))
    if not files:
        pytest.skip(f"authors' vectors: no {parity_dir}/stereo_streaming/head_*.npz")
    return [dict(np.load(file)) for file in files]


def test_overlap(heads) -> None:
    for head in heads:
        boxes = head["iou_boxes"]
        np.testing.assert_allclose(
            bev_iou_matrix(boxes, boxes), head["iou_bev"], atol=CORNER_MARGIN
        )
        np.testing.assert_allclose(iou_3d_matrix(boxes, boxes), head["iou_3d"], atol=CORNER_MARGIN)
        single = torch.tensor(boxes)
        by_torch = iou_3d(single[:, None], single[None]).numpy()
        np.testing.assert_allclose(by_torch, head["iou_3d"], atol=CORNER_MARGIN)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_suppression(heads, dtype) -> None:
    for head in heads:
        boxes = head["iou_boxes"].astype(dtype)
        kept = rotated_nms(boxes, -np.arange(len(boxes), dtype=dtype), 0.25)
        np.testing.assert_array_equal(kept, head["nms_keep_025"])


def test_coding(heads) -> None:
    for head in heads:
        anchors = head["coder_anchors"]
        decoded = decode_boxes(head["coder_codes"], anchors)
        np.testing.assert_allclose(decoded, head["coder_decoded"], atol=1e-5)
        codes = encode_boxes(head["coder_decoded"], anchors)
        np.testing.assert_allclose(codes, head["coder_codes"], atol=1e-5)


@pytest.fixture(scope="module")
def detectors(parity_dir: Path) -> list[dict[str, np.ndarray]]:
    files = sorted((parity_dir / "lidar_detection").glob("detector_heads_[A-Z].npz"))
    if not files:
        pytest.skip(f"authors' vectors: no {parity_dir}/lidar_detection/detector_heads_*.npz")
    return [dict(np.load(file)) for file in files]


def test_anchors_with_residuals_and_directions(detectors) -> None:
    for detector in detectors:
        scans = len(detector["rpn.box_preds"])
        residuals = detector["rpn.box_preds"].reshape(scans, -1, 7)
        directions = detector["rpn.dir_cls_preds"].reshape(scans, -1, 2).argmax(axis=-1)
        boxes = decode_boxes(residuals, detector["rpn.anchors"])
        boxes[..., 6] = with_direction(boxes[..., 6], directions)
        np.testing.assert_allclose(boxes, detector["rpn.batch_box_preds"], atol=1e-5)


def test_proposals(detectors) -> None:
    for detector in detectors:
        for scan, expected in enumerate(detector["pipeline.rois"]):
            boxes = detector["rpn.batch_box_preds"][scan]
            scores = detector["rpn.batch_cls_preds"][scan, :, 0]
            kept = rotated_nms(boxes, scores, 0.7, most_before=2048, most_after=len(expected))
            np.testing.assert_array_equal(boxes[kept], expected)
            np.testing.assert_array_equal(scores[kept], detector["pipeline.roi_scores"][scan])


def test_final_boxes(detectors) -> None:
    for detector in detectors:
        for scan, logits in enumerate(detector["pipeline.batch_cls_preds"][..., 0]):
            scores = 1.0 / (1.0 + np.exp(-logits))
            good = np.flatnonzero(scores >= 0.3)
            boxes = detector["pipeline.batch_box_preds"][scan][good]
            kept = rotated_nms(boxes, scores[good], 0.1)
            np.testing.assert_array_equal(boxes[kept], detector[f"pipeline.final{scan}.pred_boxes"])
