"""`make test-gpu` where there is no GPU, and the benchmark behind it on the CPU."""

import os
import subprocess
import sys
from math import isnan
from pathlib import Path

import pytest
import torch
from support.sparse import sparse

from benchmarks.sparse_gpu import network_figures
from snn_ros.sparse.backends.device_network import BackendMissing
from snn_ros.sparse.backends.spconv_backend import SpconvBackend
from snn_ros.sparse.convolution import SubmanifoldConvolution
from snn_ros.sparse.layers import SparseSequential

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_without_a_cuda_device_it_says_so_in_one_line_and_fails():
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.on_gpu"],
        cwd=ROOT, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "make test-gpu: this machine has no CUDA device\n"
    assert result.stdout == ""


@torch.no_grad()
def test_figures_name_every_back_end_and_the_ratio_to_the_rival():
    network = SparseSequential(SubmanifoldConvolution(5, 7))
    figures = network_figures("one", network, sparse("single voxel", 5), 1)
    times = ("one_torch", "one_triton_float32", "one_triton_int8")
    assert all(figures[f"{name}_ms_p50"] > 0 for name in times)
    ratios = [figures[f"one_spconv_over_triton_{numbers}"] for numbers in ("float32", "int8")]
    try:
        SpconvBackend()
    except BackendMissing:
        assert all(isnan(ratio) for ratio in ratios)
    else:
        ours = [figures[f"{name}_ms_p50"] for name in times[1:]]
        rival = figures["one_spconv_float32_ms_p50"]
        assert ratios == pytest.approx([rival / one for one in ours])
