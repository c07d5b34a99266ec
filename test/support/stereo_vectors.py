"""The authors' vectors of the stereo network: reading them, and comparing with their slices."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from snn_ros.sparse.voxels import VoxelGrid
from snn_ros.stereo_detection.paper.images import prepare_image
from snn_ros.stereo_detection.paper.streamdsgn import (
    RELEASED_GRID,
    StreamDsgn,
    StreamDsgnConfig,
    without_depth_head,
)
from support.lidar_vectors import Vectors, cases_in, folder_of, sibling

STAGE_TOLERANCE = 2e-4  # times the largest value, of the files' own README
OUTPUT_TOLERANCE = 1e-3
EXACT_TOLERANCE = 1e-5

SMALL_GRID = VoxelGrid((2.0, -9.6, -3.0), (14.8, 9.6, 1.0), (0.4, 0.4, 0.4))
SMALL = StreamDsgnConfig(grid=SMALL_GRID, planes=16, pools=(16, 8, 4, 2), depth_head=True)
FULL = StreamDsgnConfig(grid=RELEASED_GRID)
SMALL_PADDED = (64, 192)


def folder(parity_dir: Path) -> Path:
    return folder_of(parity_dir, "stereo_streaming")


class StereoVectors(Vectors):
    """Arrays of one file, with the strides that the index tells."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.index = json.loads((path.parent / "index.json").read_text())[path.name]

    def slice(self, name: str, full: torch.Tensor) -> torch.Tensor:
        """What the file keeps of an array."""
        entry = self.index[name]
        assert list(full.shape) == entry["shape"], f"{self.name}: {name}"
        strides = entry.get("stride", [1] * full.dim())
        return full[tuple(slice(None, None, stride) for stride in strides)]

    def assert_near(self, name, full, tolerance=STAGE_TOLERANCE, among=None) -> None:
        """Every kept value, or those among them, and the statistics of the whole array."""
        actual, expected = self.slice(name, full).double(), self[name].double()
        chosen = torch.ones_like(expected, dtype=torch.bool) if among is None else among.bool()
        bound = tolerance * max(1.0, float(expected.abs().max()))
        worst = float((actual - expected)[chosen].abs().max())
        assert worst <= bound, f"{self.name}: {name} is {worst:.3g} off, more than {bound:.3g}"
        if among is None and f"{name}__stat" in self:
            _, size, spread, low, high = self[f"{name}__stat"].tolist()
            found = full.double()
            for actual, expected in (
                (found.abs().mean(), size), (found.std(unbiased=False), spread),
                (found.min(), low), (found.max(), high),
            ):  # fmt: skip
                assert abs(float(actual) - expected) <= bound, f"{self.name}: {name}__stat"


def cases(parity_dir: Path, name: str) -> list[StereoVectors]:
    return [StereoVectors(path) for path in cases_in(folder(parity_dir), name)]


def network_of(vectors: StereoVectors, config: StreamDsgnConfig = SMALL) -> StreamDsgn:
    """The network with the weights of a file's set, which are numbers of half precision."""
    state = load_file(sibling(vectors.path, "weights", ".safetensors"))
    state = {n: v.float() if v.is_floating_point() else v for n, v in state.items()}
    kept = {n: v for n, v in state.items() if n != "global_step"}
    network = StreamDsgn(config).eval()
    network.load_state_dict(kept if config.depth_head else without_depth_head(state))
    return network


def pair_of(vectors: StereoVectors, frame: str) -> torch.Tensor:
    """(2, 3, H, W) of the frame's raw images."""
    sides = [prepare_image(vectors[f"{frame}_{side}_u8"]) for side in ("left", "right")]
    return torch.stack(sides)


def rig_of(network: StreamDsgn, vectors: StereoVectors, frame: str = "f0"):
    image = tuple(vectors[f"{frame}_left_u8"].shape[:2])
    padded = tuple(size + -size % 32 for size in image)
    return network.rig(vectors["P2"], vectors["P3"], padded, image)


def assert_same_detections(found, vectors: StereoVectors, frame: str, least: float = 0.98):
    """By class and nearest centre; suppression sits on thresholds, so a few may differ."""
    boxes, scores, labels = (
        vectors[f"{frame}_pred_{part}"] for part in ("boxes", "scores", "labels")
    )
    distance = torch.cdist(boxes[:, :3], found.boxes[:, :3])
    distance[labels[:, None] != found.labels[None] + 1] = torch.inf
    nearest = distance.argmin(1)
    same = (found.boxes[nearest] - boxes).abs().amax(1) <= 1e-2
    same &= (found.scores[nearest] - scores).abs() <= OUTPUT_TOLERANCE
    assert same.double().mean() >= least, f"{vectors.name}: {frame} boxes"
