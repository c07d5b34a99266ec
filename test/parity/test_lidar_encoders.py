"""Classifier, segmentation network and one training step against the authors' own code."""

import torch
from support.lidar_vectors import (
    Vectors,
    assert_near,
    assert_sparse,
    assert_spikes,
    cases,
    spike_sums,
    state,
    weights_of,
)

from snn_ros.lidar_detection.paper import classifier, segmentation
from snn_ros.lidar_detection.paper.blocks import HALVING_3, SPIKING, Stage
from snn_ros.lidar_detection.paper.checkpoint import load_published
from snn_ros.lidar_detection.paper.encoder import EncoderSize, from_cells

GRADIENT_TOLERANCE = 1e-5  # of the largest entry of a gradient


def encoder_input(vectors, margin):
    return from_cells(
        vectors["grid_coord"], vectors["feat"], vectors["offset"].tolist(), margin=margin
    )


def size_of(weights):
    """Some files are narrower than published; their weights say how wide they are."""
    stages = range(sum(name.endswith(".down.1.weight") for name in weights))
    return EncoderSize(
        in_channels=weights["backbone.stem.0.weight"].shape[-1],
        embedding=outputs(weights, "stem.0"),
        channels=tuple(outputs(weights, f"enc.{stage}.down.1") for stage in stages),
        depth=tuple(
            sum(f"enc.{stage}." in name and name.endswith(".block.1.weight") for name in weights)
            for stage in stages
        ),
    )


def outputs(weights, layer):
    return len(weights[f"backbone.{layer}.weight"])


def assert_encoded(encoded, vectors):
    names = ["stem", *(f"enc.{stage}" for stage in range(len(encoded) - 1))]
    for name, membranes in zip(names, encoded, strict=True):
        assert_sparse(membranes, vectors, name)


@torch.no_grad()
def test_classifier(parity_dir):
    for path in cases(parity_dir, "classifier"):
        vectors = Vectors(path)
        weights = state(weights_of(path))
        network = classifier.Classifier(size_of(weights)).eval()
        load_published(network, weights)
        x = encoder_input(vectors, classifier.CELL_MARGIN)
        with spike_sums(network) as sums:
            logits = network(x)
        assert_spikes(sums, vectors)
        assert_near(logits, vectors["cls_logits"], path.name)
        assert_encoded(network.backbone.encode(x), vectors)
        vectors.assert_all_read()


@torch.no_grad()
def test_segmentation(parity_dir):
    for path in cases(parity_dir, "segmentation"):
        vectors = Vectors(path)
        weights = state(weights_of(path))
        size = size_of(weights)
        widths = tuple(outputs(weights, f"dec.{stage}.up.1") for stage in range(len(size.channels)))
        network = segmentation.Segmentation(size, decoder_widths=widths).eval()
        load_published(network, weights)
        x = encoder_input(vectors, segmentation.CELL_MARGIN)
        with spike_sums(network) as sums:
            logits = network(x)
        assert_spikes(sums, vectors)
        assert_near(logits, vectors["seg_logits"], path.name)
        *skips, coarse = network.backbone.encode(x)
        assert_encoded([*skips, coarse], vectors)
        for level in reversed(range(len(skips))):
            coarse = network.backbone.dec[level](coarse, skips[level])
            assert_sparse(coarse, vectors, f"dec.{level}")
        vectors.assert_all_read()


def test_train_block(parity_dir):
    for path in cases(parity_dir, "train_block"):
        vectors = Vectors(path)
        channels, *_, in_channels = vectors["param.down.1.weight"].shape
        block = Stage(in_channels, channels, 1, HALVING_3, SPIKING).train()
        block.load_state_dict(vectors.below("param."), strict=False)
        x = vectors.sparse("in")
        x.features.requires_grad_()
        with spike_sums(block) as sums:
            output = block(x)
        assert_spikes(sums, vectors)
        assert_sparse(output.with_features(output.features.detach()), vectors, "out")
        assert torch.equal(output.sites.coordinates, vectors["out.indices"])
        (output.features * vectors["upstream"]).sum().backward()

        gradients = {"in.features": x.features.grad}
        gradients |= {name: parameter.grad for name, parameter in block.named_parameters()}
        expected = vectors.below("grad.")
        assert gradients.keys() == expected.keys()
        for name, gradient in gradients.items():
            tolerance = GRADIENT_TOLERANCE * expected[name].abs().max().item()
            assert_near(gradient, expected[name], f"grad.{name}", tolerance)
        statistics = dict(block.named_buffers())
        for name, expected_statistic in vectors.below("after.").items():
            assert_near(statistics[name], expected_statistic, f"after.{name}", 1e-5)
        vectors.assert_all_read()
