"""Feature flow, the backbone seen from above and the head against the authors' own code."""

from functools import partial

import pytest
import torch
from support.stereo_vectors import (
    EXACT_TOLERANCE,
    SMALL_GRID,
    assert_same_detections,
    cases,
    network_of,
)
from torch.nn import functional

from snn_ros.geometry.box_coding import decode_boxes, encode_boxes
from snn_ros.stereo_detection.paper.bev_backbone import (
    KERNELS,
    LargeKernelGate,
    SeparableKernelGate,
)
from snn_ros.stereo_detection.paper.flow_fusion import displacements, match, warp
from snn_ros.stereo_detection.paper.head import Selection, anchors_on

FUSION_CASES = (
    "no_motion", "uniform_shift", "below_threshold", "constant_map", "zero_history", "moving_blobs",
)  # fmt: skip
GATES = {"LKA": LargeKernelGate, "LSKA": SeparableKernelGate}


def maps_of(vectors, case):
    current = vectors["no_motion_cur" if case == "zero_history" else f"{case}_cur"]
    if case == "zero_history":
        return current, torch.zeros_like(current)
    return current, vectors.get(f"{case}_prev", current)


@torch.no_grad()
@pytest.mark.parametrize("case", FUSION_CASES)
def test_fusion(parity_dir, case):
    for vectors in cases(parity_dir, "fff"):
        fusion = network_of(vectors).spatial_feature_fusion_module
        current, previous = maps_of(vectors, case)
        matching = match(*(functional.max_pool2d(x, 2) for x in (current, previous)))
        vectors.assert_near(f"{case}_prob", matching.probability, EXACT_TOLERANCE)
        assert torch.equal(matching.flow.int(), vectors[f"{case}_coarse_flow"])
        fused = fusion(current, previous)
        vectors.assert_near(f"{case}_flow", fused.flow, EXACT_TOLERANCE)
        vectors.assert_near(f"{case}_pseudo_next", fused.pseudo_next)
        vectors.assert_near(f"{case}_fused", fused.features)


def keep(seen, name, _, __, output):
    seen[name] = output


def test_warp(parity_dir):
    for vectors in cases(parity_dir, "fff"):
        assert torch.equal(displacements().int(), vectors["shift_table"])
        x, flow = vectors["warp_x"], vectors["warp_flow"]
        vectors.assert_near("warp_out", warp(x, flow), EXACT_TOLERANCE)
        still = warp(x, torch.zeros_like(flow))
        vectors.assert_near("warp_out_zero_flow", still, EXACT_TOLERANCE)


@torch.no_grad()
def test_bev_backbone(parity_dir):
    for vectors in cases(parity_dir, "lkbb"):
        backbone = network_of(vectors).backbone_2d
        block = backbone.block1[0]
        stages = {
            "stem": backbone.stem,
            "patch_embed1": backbone.patch_embed1,
            "block1_0": block,
            "block1_0_attn": block.attn,
            "block1_0_mlp": block.mlp,
            "stage1_ln": backbone.norm1,
            "stage2_ln": backbone.norm2,
        }
        seen = {}
        for name, stage in stages.items():
            stage.register_forward_hook(partial(keep, seen, name))
        out = backbone(vectors["x"])
        for name, output in seen.items():
            flat = output.flatten(1, 2) if name.endswith("_ln") else output
            vectors.assert_near(name, flat)
        vectors.assert_near("out", out)


@torch.no_grad()
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", GATES)
def test_gates(parity_dir, kind, kernel):
    for vectors in cases(parity_dir, "lkbb"):
        gate = GATES[kind](6, kernel)
        gate.load_state_dict(vectors.below(f"{kind}{kernel}."))
        vectors.assert_near(f"{kind}{kernel}_out", gate(vectors["variants_x"]))


@torch.no_grad()
def test_head(parity_dir):
    for vectors in cases(parity_dir, "head"):
        found = network_of(vectors).dense_head(vectors["x"])
        vectors.assert_near("cls_preds", found.classes)
        vectors.assert_near("box_preds", found.residuals)
        vectors.assert_near("dir_preds", found.directions)
        anchors = anchors_on(SMALL_GRID)
        _, rows, columns = SMALL_GRID.shape
        vectors.assert_near("anchors", anchors.view(rows, columns, 6, 7), EXACT_TOLERANCE)
        boxes = found.boxes(anchors)
        vectors.assert_near("batch_box_preds", boxes)
        detected = Selection().choose(boxes[0], found.logits()[0])
        renamed = {f"f_{name}": vectors[name] for name in vectors if name.startswith("pred_")}
        vectors.update(renamed)
        assert len(detected.boxes) == len(vectors["pred_boxes"])
        assert_same_detections(detected, vectors, "f")


def test_box_coding(parity_dir):
    for vectors in cases(parity_dir, "head"):
        anchors, codes = vectors["coder_anchors"], vectors["coder_codes"]
        decoded = vectors["coder_decoded"]
        vectors.assert_near("coder_decoded", decode_boxes(codes, anchors), EXACT_TOLERANCE)
        vectors.assert_near("coder_codes", encode_boxes(decoded, anchors), EXACT_TOLERANCE)
