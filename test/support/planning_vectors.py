"""The authors' vectors of the driving network: reading them, and networks of their sizes."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from snn_ros.planning.paper.checkpoint import load_published
from snn_ros.planning.paper.grid import Grid
from snn_ros.planning.paper.network import PLANNING, DrivingNetwork, NetworkConfig
from snn_ros.planning.paper.quirks import PUBLISHED, Quirks
from snn_ros.spiking.lif import LIFState
from support.lidar_vectors import Vectors, cases_in, folder_of, sibling


def folder(parity_dir: Path) -> Path:
    return folder_of(parity_dir, "sad_planning")


def cases(parity_dir: Path, name: str) -> list[Path]:
    return cases_in(folder(parity_dir), name)


def weights_of(path: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(sibling(path, name, ".safetensors"))


def config_of(state: dict[str, torch.Tensor]) -> NetworkConfig:
    """Sizes of the network that a state dict of the planning stage is of."""

    def width(name: str) -> int:
        return len(state[name])

    frustum = state["frustum"]
    depths = frustum[:, 0, 0, 2].tolist()
    step = depths[1] - depths[0]
    u, v, _ = frustum[-1, -1, -1].tolist()
    bounds = [
        (centre - size / 2, centre - size / 2 + cells * size, size)
        for centre, size, cells in zip(
            state["bev_start_position"].tolist(),
            state["bev_resolution"].tolist(),
            state["bev_dimension"].tolist(),
            strict=True,
        )
    ]
    decoder = tuple(width(f"decoder.layer{number}.0.bn1.weight") for number in (1, 2, 3))
    return replace(
        PLANNING,
        image_size=(round(v) + 1, round(u) + 1),
        depth=(depths[0], depths[-1] + step, step),
        grid=Grid(*bounds),
        encoder_channels=width("encoder.patch_embed.downsample3.encode_bn.weight"),
        pyramid_channels=width("encoder.depth_layer_1.2.0.weight"),
        feature_channels=width("encoder.feature_layer_2.conv.3.weight"),
        latent=width("present_distribution.decoder.1.bias") // 2,
        prediction_hidden=width("future_prediction.layer2.0.bn1.weight"),
        decoder_widths=decoder,
        gru_hidden=state["planning.GRU.linear_hh.weight"].shape[1],
    )


def network_of(path: Path, quirks: Quirks = PUBLISHED) -> DrivingNetwork:
    """The network whose weights belong to a file of vectors, in evaluation mode."""
    state = weights_of(path, "network")
    network = DrivingNetwork(config_of(state), quirks)
    load_published(network, state)
    return network.eval()


def assert_near(actual, expected, what, tolerance) -> None:
    torch.testing.assert_close(
        actual, expected.to(actual.dtype), rtol=0, atol=tolerance, msg=lambda m: f"{what}: {m}"
    )


def vectors_of(path: Path, name: str) -> Vectors:
    return Vectors(sibling(path, name))


@contextmanager
def module_statistics(network: torch.nn.Module):
    """Mean and spread of each call's output of each module, by name, as the probes hold them."""
    found: dict[str, list[tuple[float, float]]] = {}

    def watch(name):
        def hook(_, __, output):
            if isinstance(output, tuple) and isinstance(output[-1], LIFState):
                output = output[0]
            if isinstance(output, torch.Tensor):
                values = output.double()
                found.setdefault(name, []).append((values.mean().item(), values.std().item()))

        return hook

    handles = [m.register_forward_hook(watch(name)) for name, m in network.named_modules()]
    yield found
    for handle in handles:
        handle.remove()


def assert_statistics(found, probes, without: set[str], tolerance: float) -> None:
    """Every probe of the perception and prediction, but those whose module is ours in parts."""
    expected = {name for name in probes if not name.startswith("planning")} - without
    assert not expected - found.keys()
    for name in sorted(expected):
        calls = [(mean, spread) for _, mean, spread in probes[name]]
        assert len(calls) == len(found[name]), name
        for ours, theirs in zip(found[name], calls, strict=True):
            assert ours == pytest.approx(theirs, abs=tolerance), name
