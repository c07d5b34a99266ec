"""Issue-size acceptance of LiDAR detection."""

import json
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Verbosity, given, settings
from hypothesis import seed as seeded
from rclpy.time import Time
from support import cloud_load
from support.clouds import cloud
from support.lidar_fuzz import check, clouds, recorded_node
from support.lidar_weights import untrained
from support.sparse import (
    SITES,
    at_sites,
    dense_convolution,
    dense_inverse,
    digest_of_a_scan,
    layers,
    sparse,
)
from vision_msgs.msg import Detection3DArray

from benchmarks import sparse as sparse_benchmark
from benchmarks.lidar_backbones import backbone_figures
from benchmarks.lidar_edge import POINT_COUNTS, message_figures, scaling_figures, twin_figures
from snn_ros.cli import main
from snn_ros.cli.evaluations.lidar_detection import COLUMNS
from snn_ros.cli.simulated_scans import HELD_OUT, ensure_drives, one_lidar
from snn_ros.lidar_detection import DetectorConfig, LidarDetector
from snn_ros.lidar_detection.augmentation import from_road
from snn_ros.lidar_detection.edge_decoding import DecodingConfig, decode
from snn_ros.lidar_detection.edge_detector import REAL_INPUT_LAYERS
from snn_ros.lidar_detection.edge_features import voxel_features
from snn_ros.lidar_detection.edge_weights import load_edge
from snn_ros.lidar_detection.evaluation import detection_scores
from snn_ros.lidar_detection.scans import ScanFolder
from snn_ros.lidar_detection.training import LOW_SCORE
from snn_ros.lidar_detection.weights import default_path
from snn_ros.ros.qos import RESULT
from snn_ros.simulation.fingerprint import LENGTH, code_fingerprint
from snn_ros.sparse.backends.kernels import Execution
from snn_ros.sparse.backends.network import Precision, compile_network
from snn_ros.sparse.convolution import InverseConvolution, StridedConvolution
from snn_ros.spiking.unrolled import unroll_network
from snn_ros.weight_files import WeightsError

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "accept" / "lidar_detection"

SPARSE_REPEATS = 50
SPARSE_TOLERANCE = 1e-5
SPARSE_CHANNELS = ((4, 16), (16, 32), (64, 64))

# Of 6 scans each. With fewer than 41 objects of a class, 40 recalls cannot all be reached and even
# a perfect detector stays below 100: 34 drives show 23 moderate cyclists, these twice as many.
HELD_OUT_DRIVES = 70
LEAST_AP = {
    "hdl_64e": {"car": 85.0, "pedestrian": 65.0, "cyclist": 65.0},
    "hdl_32e": {"car": 75.0},
}
BINARY_DRIVES, PRECISION_DRIVES = 1, 4
LEAST_OVER_SPCONV, LEAST_OVER_TORCH, LEAST_OVER_DENSE = 3.0, 2.0, 2.0
MOST_MS_P50, MOST_MS_P99, MOST_MEMORY_GB = 100.0, 150.0, 1.5
MOST_FALSE_POSITIVES = 2.0  # a real frame
CLOUD_POINTS = 120_000
LEAST_RECEIVED = 0.99  # best effort may lose some on the way where other programs hold the machine
MOST_GROWTH = 10.0  # MB of memory per minute; clouds that pile up are 2000
FUZZED_CLOUDS = 1000


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


# ---- 1: sparse convolutions equal dense ones, to the same bits for any number of threads ------


def forward_and_gradients(network, x, upstream):
    features = x.features.clone().requires_grad_()
    y = network(x.with_features(features))
    weights = list(network.parameters())
    upstream = upstream[: y.features.numel()].view_as(y.features)
    return y, [y.features, *torch.autograd.grad(y.features, [features, *weights], upstream)]


@pytest.mark.parametrize("name", SITES)
def test_sparse_convolutions_equal_dense_ones(name, figures, threads):
    axes = len(SITES[name][1])
    upstream = torch.randn(2_000_000, generator=torch.Generator().manual_seed(2))
    for channels in SPARSE_CHANNELS:
        torch.manual_seed(0)
        made = layers(axes, *channels)
        x = sparse(name, channels[0])
        for kind, layer in made.items():
            dense = dense_convolution(layer, x)
            first = None
            for repeat in range(SPARSE_REPEATS):
                for count in (1, 2):
                    threads(count)
                    y, results = forward_and_gradients(layer, x, upstream)
                    first = results if first is None else first
                    assert all(map(torch.equal, first, results)), (kind, channels, count, repeat)
            found = y.features if layer.bias is None else y.features - layer.bias
            error = (found - at_sites(dense, y)).abs()
            largest = f"largest_error {kind} {channels[0]}-{channels[1]}"
            figures[largest] = error.max().item() if len(error) else 0.0
            assert figures[largest] <= SPARSE_TOLERANCE
            if isinstance(layer, StridedConvolution):
                assert (y.dense().bool() | (dense.abs() <= SPARSE_TOLERANCE)).all()


@pytest.mark.parametrize("name", SITES)
def test_inverse_convolutions_equal_dense_ones(name, figures, threads):
    axes = len(SITES[name][1])
    upstream = torch.randn(2_000_000, generator=torch.Generator().manual_seed(2))
    for channels_in, channels_out in SPARSE_CHANNELS:
        torch.manual_seed(0)
        x = sparse(name, channels_in)
        down = StridedConvolution(channels_in, channels_out, 2, 2, dimensions=axes)
        up = InverseConvolution(channels_out, channels_in, 2, dimensions=axes)
        network = torch.nn.Sequential(down, up)
        dense = dense_inverse(up, down(x), x.sites.spatial_shape)
        first = None
        for repeat in range(SPARSE_REPEATS):
            for count in (1, 2):
                threads(count)
                y, results = forward_and_gradients(network, x, upstream)
                first = results if first is None else first
                assert all(map(torch.equal, first, results)), (channels_in, count, repeat)
        error = (y.features - at_sites(dense, y)).abs()
        largest = f"largest_error {channels_out}-{channels_in}"
        figures[largest] = error.max().item() if len(error) else 0.0
        assert figures[largest] <= SPARSE_TOLERANCE


def test_same_bits_on_a_whole_scan_in_every_process(figures):
    """Voxels, spikes' convolutions and gradients, three processes at each number of threads."""
    runs = [1, 2] * 3
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        digests = pool.map(digest_of_a_scan, runs, chunksize=1)
    figures.update(digests=digests)
    assert len(set(digests)) == 1


# ---- 3: binary spikes and int8 give the boxes of integers and float32 --------------------------


@pytest.fixture
def weights():
    """Of the edge detector, as they are shipped."""
    try:
        return default_path("edge")
    except WeightsError as err:
        pytest.skip(str(err))


def held_out(kind, drives=HELD_OUT_DRIVES):
    """Scans of simulated drives that nothing was trained on; made anew with the simulator."""
    folder = OUTPUT / f"{kind}-{code_fingerprint()[:LENGTH]}"
    seeds = range(HELD_OUT, HELD_OUT + drives)
    return ScanFolder(ensure_drives(folder, seeds, one_lidar(kind)))


def boxes_of(run, network, scan):
    """(boxes, all that the head says) of a scan."""
    shape = network.config
    points = torch.from_numpy(from_road(scan).points)
    output = run(voxel_features(points, shape.grid).tensor)
    return decode(output, shape.site, shape.reach, DecodingConfig())[0], output


def assert_identical(first, second):
    (found, output), (others, other) = first, second
    for name in ("boxes", "scores", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(others, name))
    assert torch.equal(output.sites.coordinates, other.sites.coordinates)
    assert torch.equal(output.heat, other.heat)
    assert torch.equal(output.boxes, other.boxes)


@torch.no_grad()
def test_binary_spikes_give_the_boxes_of_integers(weights, figures):
    network = load_edge(weights)
    unrolled = unroll_network(network, REAL_INPUT_LAYERS)
    figures["boxes"] = []
    for scan in held_out("hdl_64e", BINARY_DRIVES):
        whole = boxes_of(network, network, scan)
        assert_identical(boxes_of(unrolled, network, scan), whole)
        figures["boxes"].append(len(whole[0].boxes))
    assert sum(figures["boxes"]) > 0


@torch.no_grad()
def test_int8_gives_the_boxes_of_float32(weights, figures):
    network = load_edge(weights)
    whole, real = (
        compile_network(network, precision=precision, execution=Execution(2))
        for precision in (Precision.INT8, Precision.FLOAT32)
    )
    scans = held_out("hdl_64e", PRECISION_DRIVES)
    figures.update(scans=len(scans), boxes=0)
    assert len(scans) >= 20
    for scan in scans:
        found = boxes_of(whole, network, scan)
        assert_identical(found, boxes_of(real, network, scan))
        figures["boxes"] += len(found[0].boxes)
    assert figures["boxes"] > 0


# ---- 4: simulated scans that were held out -----------------------------------------------------


@pytest.mark.parametrize("kind", LEAST_AP)
def test_held_out_drives(kind, weights, figures):
    scans = held_out(kind)
    threshold = DecodingConfig().score_threshold
    config = DetectorConfig(
        sensor_height=scans[0].sensor_height, decoding=DecodingConfig(score_threshold=LOW_SCORE)
    )
    detector = LidarDetector.from_config(device="cpu", weights=weights, config=config)
    scores = detection_scores(
        scans, lambda scan: detector.detect(scan.points).detections, threshold
    )
    figures.update(scans=len(scans), **{k: v for k, v in scores.items() if np.isfinite(v)})
    assert len(scans) >= 200
    for name, least in LEAST_AP[kind].items():
        assert scores[f"ap_r40_3d_{name}_moderate"] >= least


# ---- 5: real scans -----------------------------------------------------------------------------


def test_real_frames(weights, data_dir, figures, capsys):
    """Every easy and moderate car; frame by frame, with pictures beside the figures."""
    folder = data_dir / "kitti_object"
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder}")
    report = OUTPUT / "kitti_object.json"
    call = ["evaluate", "lidar_detection", str(folder), "--weights", str(weights)]
    assert main([*call, "--pictures", str(OUTPUT / "pictures"), "--json", str(report)]) == 0
    scores = json.loads(report.read_text())["scores"]
    rows = capsys.readouterr().out.splitlines()[1 : int(scores["frames"]) + 1]
    figures.update(columns=COLUMNS, frames=[row.split() for row in rows], scores=scores)
    assert scores["recall_car_moderate_iou50"] == 1.0
    assert scores["false_positives_per_frame"] <= MOST_FALSE_POSITIVES


# ---- 6: speed on two cores ---------------------------------------------------------------------


def test_published_backbones_outrun_spconv_and_torch(figures, threads):
    threads(1)
    figures.update(backbone_figures(sparse_benchmark.cloud()[0]))
    ours = "backbone_ours_float32_1_threads_wall"
    dense = "dense_torch_float32_{0}_threads_over_dense_ours_int8_{0}_threads_wall"
    assert figures[f"backbone_torch_1_threads_over_{ours}"] >= LEAST_OVER_TORCH
    assert all(figures[dense.format(count)] >= LEAST_OVER_DENSE for count in (1, 2))
    if "backbone_spconv_1_threads_wall_ms" not in figures:
        pytest.skip("spconv cannot be installed here")
    assert figures[f"backbone_spconv_1_threads_over_{ours}"] >= LEAST_OVER_SPCONV


def test_cloud_message_in_detections_out(weights, figures):
    """Of the weights that are shipped."""
    figures.update(weights=str(weights.name), **message_figures(sparse_benchmark.whole_cloud()[0]))
    assert figures["message_2_threads_ms_p50"] <= MOST_MS_P50
    assert figures["message_2_threads_ms_p99"] <= MOST_MS_P99
    assert figures["message_2_threads_peak_memory_gb"] <= MOST_MEMORY_GB


def test_spikes_against_relu_each_by_its_fastest_back_end(weights, figures, threads):
    """The ratio is reported whatever it is; the twin must not be held back."""
    threads(1)
    figures.update(weights=str(weights.name), **twin_figures(sparse_benchmark.whole_cloud()[0]))
    assert figures["twin_float32_wall_ms"] < figures["twin_torch_float32_wall_ms"]
    assert figures["twin_int8_calibrated_wall_ms"] < figures["twin_float32_wall_ms"]
    assert np.isfinite(figures["twin_over_spiking_wall"])


def test_time_by_number_of_points(weights, figures, threads):
    threads(2)
    figures.update(weights=str(weights.name), **scaling_figures())
    few, many = POINT_COUNTS[0], POINT_COUNTS[-1]
    one, two = (figures[f"scaling_{many}_points_{count}_threads_ms"] for count in (1, 2))
    assert two < one
    assert one < many / few * figures[f"scaling_{few}_points_1_threads_ms"]


# ---- 7: the node -------------------------------------------------------------------------------


class AgedAnswers(list):
    """Counts answers, and keeps how old each was when it came."""

    def __init__(self, clock):
        super().__init__()
        self.clock, self.ages_ms = clock, []

    def append(self, message):
        age = self.clock.now() - Time.from_msg(message.header.stamp)
        self.ages_ms.append(age.nanoseconds * 1e-6)
        super().append(None)


def test_20_hz_of_large_clouds_for_a_minute(probe, start_node, weights, data_dir, figures):
    """Nothing piles up: what cannot be answered is counted, and answers do not grow older."""
    scan = next((data_dir / "kitti_object/training/velodyne").glob("*.bin"))
    points = np.resize(np.fromfile(scan, "<f4").reshape(-1, 4), (CLOUD_POINTS, 4))
    node = start_node("lidar_detection_node", "--ros-args", "-p", f"weights:={weights}")
    answers = AgedAnswers(probe.node.get_clock())
    probe.node.create_subscription(
        Detection3DArray, "/lidar_detection/output/detections", answers.append, RESULT
    )
    figures.update(
        cloud_load.flood(
            probe, node, "/lidar_detection", cloud(points), answers,
            seconds=60.0, warm_up=15.0, rate=20.0,
        )
    )  # fmt: skip
    ages = np.array(answers.ages_ms)
    early, late = (float(np.median(part)) for part in np.array_split(ages, 3)[::2])
    p50, p99 = np.percentile(ages, (50, 99)).tolist()
    figures.update(age_p50_ms=p50, age_p99_ms=p99, age_first_third_ms=early, age_last_third_ms=late)
    assert figures["received"] >= LEAST_RECEIVED * figures["sent"]
    assert figures["received"] == figures["processed"] + figures["dropped_by_mailbox"]
    assert figures["answers_received"] == figures["processed"]
    assert late <= 2.0 * early
    assert figures["memory_slope_mb_per_min"] <= MOST_GROWTH
    # The network's second thread comes and goes.
    assert figures["threads"][1] - figures["threads"][0] <= 1
    assert figures["descriptors"][1] - figures["descriptors"][0] <= 1


def test_any_cloud_is_refused_by_name_or_answered_where_its_points_are(
    ros_domain, tmp_path, seed, figures
):
    """The weights are as drawn: such a network says boxes anywhere, of any size."""
    figures.update(clouds=0, refused=0, boxes=0)
    with recorded_node(ros_domain, untrained(tmp_path)) as node:

        @seeded(seed)
        @settings(
            max_examples=FUZZED_CLOUDS, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip
        @given(clouds())
        def fuzzed(message):
            boxes = check(node, message)
            figures["clouds"] += 1
            figures["refused"] += boxes < 0
            figures["boxes"] += max(boxes, 0)

        fuzzed()
        figures["faults"] = dict(node.health.faults)
    assert figures["clouds"] >= FUZZED_CLOUDS
    assert figures["refused"] > 0 < figures["boxes"]
