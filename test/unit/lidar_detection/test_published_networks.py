"""Shapes of the published networks, their spikes, and inputs at the edge of what they take."""

import numpy as np
import pytest
import torch
from support.lidar_networks import SMALL_GRID, cloud, lively, small_detector

from snn_ros.lidar_detection.model import UnknownNetworkError, build
from snn_ros.lidar_detection.paper.anchor_head import CAR_ANCHORS
from snn_ros.lidar_detection.paper.backbone3d import PlainBackbone, ResidualBackbone
from snn_ros.lidar_detection.paper.blocks import Rectifying, Spiking
from snn_ros.lidar_detection.paper.classifier import SIZES, Classifier
from snn_ros.lidar_detection.paper.encoder import EncoderSize, from_cells
from snn_ros.lidar_detection.paper.segmentation import Segmentation
from snn_ros.lidar_detection.paper.voxel_rcnn import KITTI_GRID, VoxelRcnn
from snn_ros.lidar_detection.paper.voxelnext import VoxelNext
from snn_ros.lidar_detection.paper.voxelnext_backbone import merge_over_height
from snn_ros.sparse.tensor import sparse_tensor
from snn_ros.sparse.voxels import voxelise
from snn_ros.spiking.folding import fold_network
from snn_ros.spiking.metering import ActivityMeter
from snn_ros.spiking.modules import SpikingModule
from snn_ros.spiking.unrolled import unroll_network


@pytest.fixture(scope="module")
def detector():
    return small_detector()


def voxels_of(detector, points=None, batch_size=1):
    points = cloud() if points is None else points
    return detector.tensor_of(voxelise(points, detector.grid), batch_size)


@pytest.mark.parametrize(
    ("backbone", "heights"),
    [(ResidualBackbone(), [41, 21, 11, 6, 2]), (PlainBackbone(Rectifying()), [41, 21, 11, 5, 2])],
    ids=["residual", "plain"],
)
@torch.no_grad()
def test_extents_at_the_published_size(backbone, heights):
    z, y, x = KITTI_GRID.shape
    coordinates = torch.tensor([[0, 0, 0, 0], [0, z, y - 1, x - 1], [0, 20, 800, 700]])
    tensor = sparse_tensor(torch.rand(3, 4), coordinates, (z + 1, y, x), 1)
    output = backbone.eval()(tensor)
    levels = [*output.stages, output.flat]
    assert [level.sites.spatial_shape[0] for level in levels] == heights
    assert output.flat.sites.spatial_shape[1:] == (200, 176)
    assert len(tensor.rulebooks) == 8


def test_anchors_stand_on_the_ends_of_the_range():
    anchors = CAR_ANCHORS.on(KITTI_GRID, 200, 176)
    assert len(anchors) == 70_400
    np.testing.assert_allclose(anchors[0], [0, -40, -1, 3.9, 1.6, 1.56, 0], atol=1e-5)
    np.testing.assert_allclose(anchors[-1], [70.4, 40, -1, 3.9, 1.6, 1.56, 1.57], atol=1e-5)


@torch.no_grad()
def test_binary_spikes_give_the_same_boxes(detector):
    expected = detector(voxels_of(detector))[0]
    unrolled = unroll_network(detector, detector.real_input_layers)
    found = unrolled(voxels_of(detector))[0]
    assert len(expected.boxes) > 0
    torch.testing.assert_close(found.boxes, expected.boxes, rtol=0, atol=1e-3)


@torch.no_grad()
def test_metered_spikes_are_integers_everywhere_but_where_it_says(detector):
    with ActivityMeter(detector, real_input_layers=detector.real_input_layers) as meter:
        detector(voxels_of(detector))
        activity = meter.read()
    assert len(activity.layers) == 51
    assert activity.synaptic_operations > 0
    assert activity.macs > 0


@pytest.mark.parametrize("name", ["nuscenes", "modelnet40_T", "semantic_kitti"])
def test_layers_that_multiply_are_those_that_get_no_spikes(name):
    """The meter refuses real input to any other layer."""
    network = lively(build(name))
    channels = {"nuscenes": 5, "modelnet40_T": 6, "semantic_kitti": 4}[name]
    coordinates = torch.cartesian_prod(*[torch.arange(16)] * 3)[::5]
    coordinates = torch.cat([torch.zeros(len(coordinates), 1), coordinates], 1).int()
    x = sparse_tensor(torch.rand(len(coordinates), channels), coordinates, (16, 16, 16), 1)
    with (
        torch.no_grad(),
        ActivityMeter(network, real_input_layers=network.real_input_layers) as meter,
    ):
        network(x)
        activity = meter.read()
    assert len(activity.layers) == sum(isinstance(m, SpikingModule) for m in network.modules())


@torch.no_grad()
def test_folded_normalisation_changes_no_feature_before_the_first_spikes(detector):
    x = voxels_of(detector)
    folded = fold_network(detector)
    ours, theirs = detector.backbone_3d.conv_input, folded.backbone_3d.conv_input
    assert isinstance(theirs[1], torch.nn.Identity)
    expected, found = ours[1](ours[0](x).features), theirs[0](x).features
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@torch.no_grad()
def test_empty_clouds_give_no_boxes(detector):
    for points in (torch.zeros(0, 4), torch.full((3, 4), torch.nan)):
        found = detector(voxels_of(detector, points, batch_size=2))
        assert [sample.boxes.shape for sample in found] == [(0, 7), (0, 7)]


@torch.no_grad()
def test_an_empty_sample_beside_a_full_one_gives_no_boxes(detector):
    found = detector(voxels_of(detector, batch_size=2))
    assert [len(sample.boxes) > 0 for sample in found] == [True, False]


@torch.no_grad()
def test_samples_of_a_batch_do_not_touch_each_other(detector):
    alone = detector(voxels_of(detector))[0]
    batch = torch.cat([torch.zeros(1500), torch.ones(800)])
    points = torch.cat([cloud(), cloud(800, seed=1)])
    voxels = voxelise(points, detector.grid, batch=batch)
    together = detector(detector.tensor_of(voxels, 2))
    assert len(together) == 2
    torch.testing.assert_close(together[0].boxes, alone.boxes, rtol=0, atol=1e-3)


@torch.no_grad()
def test_twin_without_spikes_runs():
    twin = small_detector(Rectifying())
    assert not any(isinstance(module, SpikingModule) for module in twin.modules())
    found = twin(voxels_of(twin))[0]
    assert np.isfinite(found.boxes).all()


def test_gradients_reach_every_weight():
    network = VoxelRcnn(grid=SMALL_GRID, two_stages=False).train()
    proposals = network.first_stage(voxels_of(network)).proposals
    sum(part.square().sum() for part in proposals).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None]
    assert silent == []


@torch.no_grad()
def test_logits_of_an_object_are_the_mean_over_its_own_voxels():
    torch.manual_seed(0)
    network = Classifier(SIZES["T"]).eval()
    first = torch.cartesian_prod(*[torch.arange(5)] * 3)
    second = first[::3] + 2
    features = torch.rand(len(first) + len(second), 6)
    both = from_cells(
        torch.cat([first, second]), features, [len(first), len(first) + len(second)], margin=96
    )
    alone = from_cells(second, features[len(first) :], [len(second)], margin=96)
    torch.testing.assert_close(network(both)[1], network(alone)[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_an_object_without_voxels_has_zero_logits():
    network = Classifier(SIZES["T"]).eval()
    cells = torch.cartesian_prod(*[torch.arange(4)] * 3)
    x = from_cells(cells, torch.rand(len(cells), 6), [len(cells), len(cells)], margin=96)
    assert network(x)[1].tolist() == [0.0] * 40


@torch.no_grad()
def test_every_voxel_is_segmented_in_its_row():
    network = Segmentation(
        EncoderSize(4, 8, (8, 8, 8, 8), (1, 1, 1, 1)), decoder_widths=(8, 8, 8, 8)
    ).eval()
    cells = torch.cartesian_prod(torch.arange(19), torch.arange(17), torch.arange(16))[::7]
    features = torch.rand(len(cells), 4)
    logits = network(from_cells(cells, features, [len(cells)], margin=1))
    order = torch.randperm(len(cells))
    shuffled = network(from_cells(cells[order], features[order], [len(cells)], margin=1))
    torch.testing.assert_close(shuffled, logits[order], rtol=0, atol=1e-5)


def test_merging_sums_what_shares_a_column():
    generator = torch.Generator().manual_seed(3)
    stages, dense = [], torch.zeros(2, 8, 8, 3)
    for level in range(3):
        extent = 8 >> level
        shape = (4, extent, extent)
        occupied = torch.rand(2, *shape, generator=generator) < 0.2
        coordinates = occupied.nonzero()
        features = torch.rand(len(coordinates), 3, generator=generator)
        stages.append(sparse_tensor(features, coordinates, shape, 2))
        for (sample, _, y, x), value in zip(coordinates.tolist(), features, strict=True):
            dense[sample, y << level, x << level] += value
    merged = merge_over_height(stages)
    torch.testing.assert_close(merged.dense().movedim(1, -1), dense)


@pytest.mark.parametrize("published", [False, True])
@torch.no_grad()
def test_classes_of_samples_with_few_sites(published):
    """The published code divides by the number of candidates, not by the number of sites."""
    network = VoxelNext(most_candidates=500, published_class_ids=published)
    values = {name: torch.zeros(4, width) for name, width in
              {"center": 2, "center_z": 1, "dim": 3, "rot": 2, "vel": 2}.items()}  # fmt: skip
    values["hm"] = torch.tensor([[-9.0, 2.0], [-9.0, -9.0], [3.0, -9.0], [-9.0, -9.0]])
    coordinates = torch.tensor([[0, 100, 100 + i] for i in range(4)])
    sites = sparse_tensor(torch.zeros(4, 1), coordinates, (180, 180), 1).sites
    found = network.candidates(values, sites, 0)
    assert found.classes.tolist() == ([0, 0] if published else [0, 1])
    assert found.boxes[0, 0].item() == pytest.approx(102 * 8 * 0.075 - 54.0, abs=1e-3)


def test_other_largest_counts():
    network = Classifier(SIZES["T"], cells=Spiking(max_count=2))
    counts = {module.max_count for module in network.modules() if isinstance(module, SpikingModule)}
    assert counts == {2}


def test_an_unknown_network_is_refused():
    with pytest.raises(UnknownNetworkError, match="'kitty': must be one of kitti"):
        build("kitty")
