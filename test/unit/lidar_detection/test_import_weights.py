"""Published checkpoints in both layouts become weight files; what does not fit is refused."""

import json

import pytest
import torch

from snn_ros.cli import main
from snn_ros.lidar_detection.importing import import_checkpoint, load_network
from snn_ros.lidar_detection.model import UnknownNetworkError, build, skeleton
from snn_ros.lidar_detection.paper.checkpoint import CheckpointError, load_published
from snn_ros.lidar_detection.weights import load
from snn_ros.sparse.convolution import SparseConvolution
from snn_ros.weight_files import WeightsError


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    return build("modelnet40_T")


def first_layout(network):
    """The state dict as spconv 1.x stores it: kernel, inputs, outputs."""
    state = dict(network.state_dict())
    for name, layer in network.named_modules():
        if isinstance(layer, SparseConvolution):
            state[f"{name}.weight"] = layer.weight.detach().movedim(0, -1).contiguous()
    return state


def second_layout(network):
    """As spconv 2.x stores it: ours, but with a 1x1 weight's memory in the order of inputs."""
    state = dict(network.state_dict())
    for name, layer in network.named_modules():
        if isinstance(layer, SparseConvolution) and set(layer.kernel_size) == {1}:
            matrix = layer.weight.detach().reshape(layer.out_channels, layer.in_channels)
            state[f"{name}.weight"] = matrix.T.reshape(layer.weight.shape)
    return state


def assert_same(network, other):
    expected = other.state_dict()
    assert network.state_dict().keys() == expected.keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("layout", [first_layout, second_layout])
def test_layouts(classifier, layout):
    fresh = build("modelnet40_T")
    load_published(fresh, layout(classifier))
    assert_same(fresh, classifier)


def test_command_imports_a_checkpoint_of_pointcept(tmp_path, capsys, classifier):
    source, target = tmp_path / "model_best.pth", tmp_path / "out" / "classifier.safetensors"
    state = {f"module.{name}": tensor for name, tensor in second_layout(classifier).items()}
    torch.save({"epoch": 3, "state_dict": state}, source)
    call = ["import-weights", "lidar_detection", str(source), "--output", str(target)]
    assert main([*call, "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["network"] == "modelnet40_T"
    assert figures["parameters"] == 1_874_216
    assert_same(load_network(target), classifier)
    _, manifest = load(target, "paper")
    assert manifest.source["layout"] == "spconv 2.x"


def test_public_twin_of_the_detector(tmp_path):
    """What is public for KITTI: 257 entries of OpenPCDet, ReLU, layout of spconv 1.x."""
    twin = build("kitti_relu")
    state = first_layout(twin) | {"global_step": torch.tensor([1])}
    assert len(state) == 257
    source, target = tmp_path / "kitti.pth", tmp_path / "kitti.safetensors"
    torch.save({"model_state": state, "optimizer_state": None, "epoch": 80}, source)
    made = import_checkpoint(source, target)
    assert (made.network, made.layout, made.entries) == ("kitti_relu", "spconv 1.x", 256)
    assert_same(load_network(target), twin)


def test_missing_and_unexpected_entries_are_named(tmp_path, capsys, classifier):
    state = second_layout(classifier)
    del state["backbone.final.bias"]
    state["backbone.extra"] = torch.zeros(1)
    state["backbone.stem.1.bias"] = torch.zeros(17)
    state["backbone.stem.1.weight"] = torch.full((16,), torch.nan)
    source = tmp_path / "model.pth"
    torch.save(state, source)
    assert main(["import-weights", "lidar_detection", str(source)]) == 1
    text = capsys.readouterr().err
    for part in (
        "closest is 'modelnet40_T'", "missing: backbone.final.bias", "unexpected: backbone.extra",
        "backbone.stem.1.bias is (17,), must be (16,)", "NaN or infinite: backbone.stem.1.weight",
    ):  # fmt: skip
        assert part in text
    assert not list(tmp_path.glob("*.safetensors"))


def test_spiking_weights_do_not_pass_for_the_twin(tmp_path):
    source = tmp_path / "kitti.pth"
    torch.save({"model_state": build("kitti").state_dict()}, source)
    with pytest.raises(CheckpointError, match="does not fit 'kitti_relu': missing: backbone_3d"):
        import_checkpoint(source, tmp_path / "out.safetensors", "kitti_relu")


class RunsCode:
    def __reduce__(self):
        return print, ("code of a checkpoint runs",)


@pytest.mark.parametrize("content", ["code", "list", "text", "noise", "nothing", "cut"])
def test_files_that_hold_no_weights(tmp_path, capsys, content):
    source = tmp_path / "model.pth"
    if content == "code":
        torch.save({"state_dict": RunsCode()}, source)
    elif content == "list":
        torch.save([torch.zeros(2)], source)
    elif content == "text":
        torch.save({"state_dict": {"name": "weights"}}, source)
    elif content == "noise":
        source.write_bytes(bytes(range(256)) * 8)
    elif content == "cut":
        torch.save({"weight": torch.zeros(1000)}, source)
        source.write_bytes(source.read_bytes()[:900])
    with pytest.raises(CheckpointError, match="model.pth"):
        import_checkpoint(source, tmp_path / "out.safetensors")
    assert "runs" not in capsys.readouterr().out


def test_a_changed_file_and_a_wrong_name_are_refused(tmp_path, classifier):
    source, target = tmp_path / "model.pth", tmp_path / "model.safetensors"
    torch.save(second_layout(classifier), source)
    with pytest.raises(UnknownNetworkError, match="'nothing'"):
        import_checkpoint(source, target, "nothing")
    with pytest.raises(WeightsError, match="must end in .safetensors"):
        import_checkpoint(source, tmp_path / "model.json")
    import_checkpoint(source, target)
    with pytest.raises(WeightsError, match="profile is 'paper', not 'edge'"):
        load(target, "edge")
    data = bytearray(target.read_bytes())
    data[-1] ^= 1
    target.write_bytes(data)
    with pytest.raises(WeightsError, match="sha256"):
        load_network(target)


def test_skeletons_hold_no_weights():
    assert all(p.device.type == "meta" for p in skeleton("modelnet40_H").parameters())
