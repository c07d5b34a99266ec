"""The KITTI detector against the authors' own code."""

import dataclasses

import torch
from support.lidar_vectors import (
    VOXEL_TOLERANCE,
    Vectors,
    assert_near,
    assert_same_boxes,
    assert_sparse,
    assert_spikes,
    cases,
    grid_of,
    sibling,
    spike_sums,
    state,
    weights_of,
)

from snn_ros.lidar_detection.paper.bev_backbone import birds_eye_view
from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_CAPS, PROPOSAL_SUPPRESSION, VoxelRcnn
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.unrolled import unroll_network


def detector_of(path):
    vectors = Vectors(sibling(path, "detector_input"))
    proposals = Vectors(sibling(path, "detector_heads"))["pipeline.rois"].shape[1]
    weights = state(weights_of(path))
    detector = VoxelRcnn(
        grid=grid_of(vectors),
        roi_width=weights["roi_head.cls_pred_layer.weight"].shape[1],
        proposal_suppression=dataclasses.replace(PROPOSAL_SUPPRESSION, most_after=proposals),
    ).eval()
    load_published(detector, weights)
    points, rois = vectors["points"], vectors["rois"]
    voxels = voxelise(points[:, 1:], detector.grid, batch=points[:, 0], caps=KITTI_CAPS)
    return detector, detector.tensor_of(voxels, len(rois)), rois


def test_input(parity_dir):
    for path in cases(parity_dir, "detector_input"):
        vectors = Vectors(path)
        grid = grid_of(vectors)
        assert grid.shape == tuple(vectors["grid_size_xyz"].tolist()[::-1])
        points = vectors["points"]
        voxels = voxelise(points[:, 1:], grid, batch=points[:, 0], caps=KITTI_CAPS)
        assert torch.equal(voxels.coordinates, vectors["voxel_coords"])
        assert torch.equal(voxels.point_counts.int(), vectors["voxel_num_points"])
        assert_near(voxels.features, vectors["voxel_features"], path.name, VOXEL_TOLERANCE)
        means = vectors["voxels"].sum(1) / vectors["voxel_num_points"][:, None]
        assert_near(voxels.features, means, path.name, VOXEL_TOLERANCE)
        assert voxels.point_counts.sum() + sum(vars(voxels.dropped).values()) == len(points)
        assert len(vectors["rois"]) == points[:, 0].max() + 1
        vectors.assert_all_read()


@torch.no_grad()
def test_backbone(parity_dir):
    for path in cases(parity_dir, "detector_backbone3d"):
        vectors = Vectors(path)
        detector, x, _ = detector_of(path)
        with spike_sums(detector) as sums:
            output = detector.backbone_3d(x)
        assert_spikes(sums, vectors)
        assert_sparse(detector.backbone_3d.conv_input(x), vectors, "conv_input")
        for number, stage in enumerate(output.stages, start=1):
            assert_sparse(stage, vectors, f"x_conv{number}")
        assert_sparse(output.flat, vectors, "conv_out", tolerance=0)
        assert torch.equal(birds_eye_view(output.flat), vectors["spatial_features"])
        vectors.assert_all_read()


@torch.no_grad()
def test_heads(parity_dir):
    for path in cases(parity_dir, "detector_heads"):
        vectors = Vectors(path)
        detector, x, rois = detector_of(path)
        backbone = detector.backbone_3d(x)
        with spike_sums(detector) as sums:
            features = detector.backbone_2d(birds_eye_view(backbone.flat))
            proposals = detector.dense_head(features)
            sample = torch.arange(len(rois)).repeat_interleave(rois.shape[1])
            refinement = detector.roi_head(
                backbone.stages, rois.flatten(0, 1), sample, detector.grid
            )
        assert_first_stage(detector, features, proposals, vectors)
        assert_second_stage(detector.roi_head, backbone, rois, sample, detector.grid, vectors)
        assert_near(refinement.boxes, vectors["roi.batch_box_preds"].flatten(0, 1), "roi boxes")
        assert_near(refinement.logits, vectors["roi.batch_cls_preds"].flatten(), "roi logits")
        assert_spikes(sums, vectors)
        assert_pipeline(detector, x, proposals, backbone, vectors)
        vectors.assert_all_read()


@torch.no_grad()
def test_binary_spikes_give_the_boxes_of_integers(parity_dir):
    for path in cases(parity_dir, "detector_heads"):
        vectors = Vectors(path)
        detector, x, _ = detector_of(path)
        assert_final(unroll_network(detector, detector.real_input_layers)(x), vectors)


def assert_first_stage(detector, features, proposals, vectors):
    assert_near(features, vectors["spatial_features_2d"], "spatial_features_2d")
    assert_near(proposals.classes, vectors["rpn.cls_preds"], "rpn.cls_preds")
    assert_near(proposals.residuals, vectors["rpn.box_preds"], "rpn.box_preds")
    assert_near(proposals.directions, vectors["rpn.dir_cls_preds"], "rpn.dir_cls_preds")
    anchors = detector.anchors.on(detector.grid, *proposals.classes.shape[1:3])
    assert_near(anchors, vectors["rpn.anchors"], "rpn.anchors", 1e-5)
    assert_near(detector.decoded(proposals), vectors["rpn.batch_box_preds"], "rpn boxes")
    assert_near(proposals.logits()[..., None], vectors["rpn.batch_cls_preds"], "rpn logits")


def assert_second_stage(head, backbone, rois, sample, grid, vectors):
    pooled = head.pooled(backbone.stages, rois.flatten(0, 1), sample, grid)
    first_four = pooled.view(*rois.shape[:2], *pooled.shape[1:])[:, :4]
    assert_near(first_four, vectors["roi.pooled_first4"], "roi.pooled_first4")
    shared = head.shared(pooled)
    assert_near(shared, vectors["roi.shared"], "roi.shared")
    assert_near(head.classify(shared), vectors["roi.rcnn_cls"], "roi.rcnn_cls")
    assert_near(head.regress(shared), vectors["roi.rcnn_reg"], "roi.rcnn_reg")


def assert_pipeline(detector, x, proposals, backbone, vectors):
    for index, (boxes, logits) in enumerate(detector.propose(proposals)):
        assert_near(boxes, vectors["pipeline.rois"][index], "pipeline.rois")
        assert_near(logits, vectors["pipeline.roi_scores"][index], "pipeline.roi_scores")
        sample = torch.full((len(boxes),), index)
        refinement = detector.roi_head(backbone.stages, boxes, sample, detector.grid)
        for actual, name in (
            (refinement.boxes, "pipeline.batch_box_preds"),
            (refinement.logits[:, None], "pipeline.batch_cls_preds"),
        ):
            assert_near(actual, vectors[name][index], name)
    assert_final(detector(x), vectors)


def assert_final(detections, vectors):
    for index, found in enumerate(detections):
        assert_same_boxes(found, vectors.below(f"pipeline.final{index}."))
