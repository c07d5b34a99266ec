"""Plane sweep, voxels, hourglass and supervised depth against the authors' own code."""

import torch
from support.stereo_vectors import (
    EXACT_TOLERANCE,
    FULL,
    SMALL,
    SMALL_PADDED,
    cases,
    network_of,
)

from snn_ros.stereo_detection.paper.depth_head import (
    depth_loss,
    expected_depth,
    frustum_cells,
    likeliest_depth,
)
from snn_ros.stereo_detection.paper.plane_sweep import STEP, channel_table, cost_volume
from snn_ros.stereo_detection.paper.streamdsgn import disparities_of
from snn_ros.stereo_detection.paper.volume import birds_eye_view
from snn_ros.stereo_detection.paper.voxels import sample_voxels


def assert_volume(network, frustum, placement, vectors, prefix=""):
    """From the frustum to the map, stage by stage."""
    backbone = network.backbone_3d
    sampled = sample_voxels(frustum, placement)
    vectors.assert_near(f"{prefix}voxel_in", sampled)
    voxels = backbone.rpn3d_convs(sampled)
    vectors.assert_near(f"{prefix}voxel_conv", voxels)
    out = backbone.rpn3d_hgs[0](voxels)
    vectors.assert_near(f"{prefix}hourglass3d", out)
    vectors.assert_near(f"{prefix}bev", birds_eye_view(out))


@torch.no_grad()
def test_plane_sweep(parity_dir):
    for vectors in cases(parity_dir, "psv"):
        network = network_of(vectors)
        left, right = vectors["left_feat"], vectors["right_feat"]
        vectors.assert_near("depth_planes", SMALL.depths, EXACT_TOLERANCE)
        disparities = disparities_of(vectors["P2"], vectors["P3"], SMALL.depths)
        vectors.assert_near("disparity", disparities[None], EXACT_TOLERANCE)
        table = channel_table(disparities, left.shape[1])
        assert torch.equal(table.int(), vectors["psv_channel_table"])
        costs = cost_volume(left[..., ::STEP, ::STEP], right[..., ::STEP, :], disparities)
        vectors.assert_near("cost_raw", costs, EXACT_TOLERANCE)
        frustum = network.backbone_3d.compared(costs)
        vectors.assert_near("psv_feature", frustum)
        image, padded = tuple(vectors["image_shape"].tolist()), tuple(left.shape[-2:])
        rig = network.rig(vectors["P2"], vectors["P3"], padded, image)
        vectors.assert_near("norm_coord", rig.placement.coordinates[None], EXACT_TOLERANCE)
        assert torch.equal(rig.placement.valid[None], vectors["valids"].bool())
        assert_volume(network, frustum, rig.placement, vectors)


def test_channel_tables_of_the_released_size(parity_dir):
    for vectors in cases(parity_dir, "psv"):
        for row, product in enumerate(vectors["full_channel_tables_fB"]):
            table = channel_table(product / FULL.depths, 96)
            assert torch.equal(table.int(), vectors["full_channel_tables_fp32"][row])
            half = channel_table(product.half() / FULL.depths.half(), 96)
            assert torch.equal(half.int(), vectors["full_channel_tables_fp16"][row])


@torch.no_grad()
def test_hourglass(parity_dir):
    for vectors in cases(parity_dir, "volume"):
        backbone = network_of(vectors).backbone_3d
        hourglass = backbone.rpn3d_hgs[0]
        inner = {}
        hourglass.conv3.register_forward_pre_hook(lambda _, x, to=inner: to.update(pre=x[0]))
        hourglass.conv6.register_forward_pre_hook(lambda _, x, to=inner: to.update(post=x[0]))
        voxels = backbone.rpn3d_convs(vectors["voxel_in"])
        out = hourglass(voxels)
        vectors.assert_near("voxel_conv", voxels)
        vectors.assert_near("hourglass_pre", inner["pre"])
        vectors.assert_near("hourglass_post", inner["post"])
        vectors.assert_near("hourglass_out", out)
        vectors.assert_near("bev", birds_eye_view(out))


@torch.no_grad()
def test_depth(parity_dir):
    for vectors in cases(parity_dir, "depth"):
        network = network_of(vectors)
        cells = frustum_cells(SMALL.depths, SMALL_PADDED)
        vectors.assert_near("coordinates_psv", cells, EXACT_TOLERANCE)
        logits = network.backbone_3d.depth(vectors["voxel"], vectors["P2"], SMALL_PADDED)
        vectors.assert_near("logits", logits)
        bins = vectors["depth_samples"]
        vectors.assert_near("depth_pred", expected_depth(logits, bins))
        vectors.assert_near("depth_pred_local", likeliest_depth(logits, bins))
        loss = depth_loss(logits, vectors["gt_depth"][None], bins)
        assert abs(loss / vectors["depth_loss"] - 1) <= 1e-4
