"""Tests that need a CUDA device; `make test-gpu` runs them. Nothing here needs ROS."""

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent.parent


def _reason_to_skip():
    if not torch.cuda.is_available():
        return "no CUDA device"
    if os.environ.get("TRITON_INTERPRET", "0") != "0":
        return "Triton runs on the CPU in this process; use `make test-gpu`"
    return None


def pytest_collection_modifyitems(items):
    reason = _reason_to_skip()
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.gpu)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def cuda():
    return torch.device("cuda")


@pytest.fixture
def gpu_parity_dir():
    """The authors' vectors, brought to the machine; without them a run on a GPU says little."""
    folder = ROOT / os.environ.get("SNN_ROS_PARITY_DIR", "build/parity")
    if not folder.is_dir():
        pytest.fail(f"authors' vectors: no folder {folder}; copy them there")
    return folder


@pytest.fixture(autouse=True)
def exact_float32(monkeypatch):
    """Convolutions of torch in float32, not in the 10 bits of TF32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
