"""Three consecutive stereo pairs through the whole network, against the authors' own code."""

import torch
from support.stereo_vectors import (
    EXACT_TOLERANCE,
    OUTPUT_TOLERANCE,
    assert_same_detections,
    cases,
    network_of,
    pair_of,
    rig_of,
)
from torch.nn import functional

from snn_ros.stereo_detection.paper.flow_fusion import match
from snn_ros.stereo_detection.paper.head import Selection
from snn_ros.stereo_detection.paper.plane_sweep import STEP, cost_volume
from snn_ros.stereo_detection.paper.volume import birds_eye_view
from snn_ros.stereo_detection.paper.voxels import sample_voxels


def assert_first_stages(network, vectors, pair, rig):
    """From the images of the first frame to its map."""
    backbone = network.backbone_3d
    vectors.assert_near("f0_left_img", pair[:1], EXACT_TOLERANCE)
    features = backbone.feature_backbone(pair)
    for name, value in features._asdict().items():
        vectors.assert_near(f"f0_{name}", value[:1])
    upsampled = backbone.feature_neck.upsampled(pair, features)
    full = backbone.feature_neck.project(upsampled)
    vectors.assert_near("f0_neck_left", full[:1])
    vectors.assert_near("f0_neck_right", full[1:])
    costs = cost_volume(full[:1, :, ::STEP, ::STEP], full[1:, :, ::STEP], rig.disparities)
    vectors.assert_near("f0_cost_raw", costs)
    frustum = backbone.compared(costs)
    vectors.assert_near("f0_psv_feature", frustum)
    torch.testing.assert_close(backbone.frustum(pair, rig), frustum, rtol=0, atol=1e-5)
    vectors.assert_near("f0_norm_coord", rig.placement.coordinates[None], EXACT_TOLERANCE)
    assert torch.equal(rig.placement.valid[None], vectors["f0_valids"].bool())
    sampled = sample_voxels(frustum, rig.placement)
    vectors.assert_near("f0_voxel_in", sampled)
    voxels = backbone.rpn3d_convs(sampled)
    vectors.assert_near("f0_voxel_conv", voxels)
    out = backbone.rpn3d_hgs[0](voxels)
    vectors.assert_near("f0_hourglass3d", out)
    vectors.assert_near("f0_bev", birds_eye_view(out))


def assert_fusion(network, vectors, frame, current, history):
    """How the map was fused; gives what the rest of the network takes."""
    if history is None:
        return current
    matching = match(*(functional.max_pool2d(x, 2) for x in (current, history)))
    vectors.assert_near(f"{frame}_match_prob", matching.probability, EXACT_TOLERANCE)
    fused = network.spatial_feature_fusion_module(current, history)
    vectors.assert_near(f"{frame}_flow", fused.flow, EXACT_TOLERANCE)
    vectors.assert_near(f"{frame}_pseudo_next", fused.pseudo_next, OUTPUT_TOLERANCE)
    return fused.features


@torch.no_grad()
def test_three_frames(parity_dir):
    for vectors in cases(parity_dir, "e2e"):
        network = network_of(vectors)
        rig = rig_of(network, vectors)
        assert tuple(vectors["image_shape"].tolist()) == tuple(vectors["f0_left_u8"].shape[:2])
        assert_first_stages(network, vectors, pair_of(vectors, "f0"), rig)
        history = None
        for frame in ("f0", "f1", "f2"):
            output = network(pair_of(vectors, frame), rig, history)
            vectors.assert_near(f"{frame}_bev", output.history, OUTPUT_TOLERANCE)
            fused = assert_fusion(network, vectors, frame, output.history, history)
            vectors.assert_near(f"{frame}_fused", fused, OUTPUT_TOLERANCE)
            predictions = output.predictions
            named = {
                "bev2d": network.backbone_2d(fused),
                "cls_preds": predictions.classes,
                "box_preds": predictions.residuals,
                "dir_preds": predictions.directions,
            }
            for name, value in named.items():
                if f"{frame}_{name}" in vectors:
                    vectors.assert_near(f"{frame}_{name}", value, OUTPUT_TOLERANCE)
            boxes = predictions.boxes(network.anchors())
            vectors.assert_near(f"{frame}_batch_box_preds", boxes, OUTPUT_TOLERANCE)
            detected = Selection().choose(boxes[0], predictions.logits()[0])
            assert_same_detections(detected, vectors, frame)
            history = output.history
