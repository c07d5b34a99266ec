"""Training samples: the same whoever makes them, and true."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from snn_ros.configuration import ConfigurationError
from snn_ros.geometry.boxes import count_points
from snn_ros.simulation import dataset as module
from snn_ros.simulation.dataset import DriveOrder, Sample, StreetDataset, random_drives
from snn_ros.simulation.drive_cache import CacheNotWritten, DriveCache
from snn_ros.simulation.render import RendererError
from snn_ros.simulation.street.scenario import StreetScenario, street_scenario
from snn_ros.simulation.training_frames import Frame, frame_count, frames_of

FRAMES = 6


def scenario(seed: int = 1, period: float = 0.1, **sensors: object) -> StreetScenario:
    values = {
        "duration": 0.1 * FRAMES,
        "period": period,
        "seed": seed,
        "layout": {"length": 100.0},
        "ego": {"position": 20.0, "speed": 8.0},
        "traffic": {"vehicles": 3, "pedestrians": 2, "parked": 0.3},
        "sensors": {"lidar_columns": 256} | sensors,
    }
    return street_scenario(values, "test")


def arrays_of(part: object, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All numbers in a sample, by name."""
    if dataclasses.is_dataclass(part):
        part = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    if isinstance(part, tuple):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        for name, value in part.items():
            yield from arrays_of(value, f"{prefix}.{name}")
    else:
        yield prefix, np.asarray(part)


def assert_same(first: object, second: object) -> None:
    one, other = dict(arrays_of(first)), dict(arrays_of(second))
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_a_sample_is_the_same_in_any_order_and_out_of_the_cache(tmp_path) -> None:
    drives = [scenario(1), scenario(2)]
    fresh = list(map(StreetDataset(drives, past=1, future=2).__getitem__, range(6)))
    backwards = StreetDataset(drives, past=1, future=2)
    cached = StreetDataset(drives, past=1, future=2, cache_dir=tmp_path)
    for index in (5, 3, 0):
        assert_same(fresh[index], backwards[index])
        assert_same(fresh[index], cached[index])
    assert not np.array_equal(fresh[0].present.sight.points, fresh[3].present.sight.points)


def test_a_drive_in_the_cache_is_not_simulated_again(tmp_path, monkeypatch) -> None:
    first = StreetDataset([scenario()], cache_dir=tmp_path)[2]

    def refuse(*_: object) -> Iterator[Frame]:
        raise AssertionError("simulated again")
        yield

    monkeypatch.setattr(module, "frames_of", refuse)
    again = StreetDataset([scenario()], cache_dir=tmp_path)
    assert_same(first, again[2])
    with pytest.raises(AssertionError, match="simulated again"):
        StreetDataset([scenario(seed=2)], cache_dir=tmp_path)[2]
    with pytest.raises(AssertionError, match="simulated again"):
        StreetDataset([scenario()], stride=2, cache_dir=tmp_path)[2]


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """Of the scenario, one for each sweep."""
    return list(frames_of(scenario(), 1))


def test_a_box_holds_the_points_that_it_counts(frames) -> None:
    counted = 0
    for frame in frames:
        counts = count_points(frame.sight.points, frame.truth.boxes)
        np.testing.assert_array_equal(counts, frame.truth.lidar_points)
        counted += int(counts.sum())
    assert counted > 100


def test_past_and_future_lie_a_stride_apart() -> None:
    dataset = StreetDataset([scenario()], stride=2, past=1, future=1)
    (sample,) = [dataset[i] for i in range(len(dataset))]
    moments = [*(frame.truth for frame in sample.past), sample.present.truth, *sample.future]
    np.testing.assert_allclose([truth.time for truth in moments], [0.2, 0.4, 0.6])
    for before, after in pairwise(moments):
        moved = (np.linalg.inv(before.pose) @ after.pose)[:3, 3]
        assert moved[0] == pytest.approx(0.2 * after.speed, rel=0.1)
        assert abs(moved[1]) < 0.1


def test_frames_between_are_driven_but_not_looked_at(frames) -> None:
    """Who is where does not depend on the stride."""
    every = [frame.truth for frame in frames]
    second = [frame.truth for frame in frames_of(scenario(), 2)]
    assert (len(every), len(second)) == (FRAMES, FRAMES // 2)
    for truth, other in zip(second, every[1::2], strict=True):
        for name in ("time", "pose", "boxes", "track_ids", "occupancy", "odometry", "occlusion"):
            np.testing.assert_array_equal(getattr(truth, name), getattr(other, name), name)


def test_shapes_and_types(frames) -> None:
    frame = frames[0]
    truth, count = frame.truth, len(frame.truth.classes)
    assert count > 3
    assert truth.boxes.shape == (count, 7)
    assert truth.velocities.shape == (count, 3)
    assert truth.image_boxes.shape == (count, 4)
    for name in ("track_ids", "lidar_points", "truncation", "occlusion", "difficulty"):
        assert getattr(truth, name).shape == (count,), name
    for name in ("occupancy", "drivable", "lane_dividers"):
        grid = getattr(truth, name)
        assert (grid.shape, grid.dtype, grid.any()) == ((200, 200), np.bool_, True), name
    points = frame.sight.points
    assert (points.dtype, points.shape[1]) == (np.float32, 5)
    assert points[:, 3].min() >= 0.0
    assert points[:, 3].max() <= 1.0
    assert np.abs(points[:, 4]).max() <= 0.05
    assert truth.command in ("LEFT", "FORWARD", "RIGHT")


@pytest.mark.parametrize("sensors", [{"lidar": "nuscenes"}, {"lidar": "none"}])
def test_frames_are_counted_before_they_are_simulated(sensors) -> None:
    drive = scenario(period=0.05, **sensors)
    assert frame_count(drive, 1) == 2 * FRAMES
    assert len(list(frames_of(drive, 5))) == frame_count(drive, 5) == 2


def test_workers_with_cameras_give_what_one_process_gives(tmp_path) -> None:
    """Each has its own graphics context; both want the same drives."""
    drives = [
        scenario(seed, cameras="stereo", stereo_width=160, truth_images=["depth"])
        for seed in (1, 2)
    ]
    alone = StreetDataset(drives, frames_per_drive=2)
    try:
        expected = [alone[i] for i in range(len(alone))]
    except RendererError as err:
        pytest.skip(str(err))
    shared = StreetDataset(drives, frames_per_drive=2, cache_dir=tmp_path)
    loader = DataLoader(
        shared,
        batch_size=1,
        shuffle=True,
        generator=torch.Generator().manual_seed(0),
        num_workers=2,
        collate_fn=list,
        multiprocessing_context="spawn",
    )
    samples: list[Sample] = [sample for batch in loader for sample in batch]
    samples.sort(key=lambda sample: (sample.drive, sample.number))
    for sample, one in zip(samples, expected, strict=True):
        assert_same(sample, one)
    sight = expected[0].present.sight
    assert set(sight.images) == set(sight.projections) == {"left", "right"}
    height = sight.images["left"].shape[0]
    assert sight.images["left"].shape == (height, 160, 3)
    assert sight.truth_images["left/depth"].shape == (height, 160)
    P = sight.projections["right"]
    assert -P[0, 3] / P[0, 0] == pytest.approx(0.54)


def test_only_one_of_two_makes_a_drive(tmp_path, frames) -> None:
    makers, started = [], threading.Event()

    def slow(name: str) -> Iterator[Frame]:
        makers.append(name)
        started.set()
        time.sleep(0.2)
        yield frames[0]

    cache = DriveCache(tmp_path)
    first = threading.Thread(target=cache.ensure, args=("drive", slow("first")))
    first.start()
    assert started.wait(5.0)
    cache.ensure("drive", slow("second"))
    first.join()
    assert makers == ["first"]
    assert_same(cache.truth("drive", 0), frames[0].truth)


def test_an_interrupted_drive_leaves_nothing(tmp_path, frames) -> None:
    def interrupted() -> Iterator[Frame]:
        yield frames[0]
        raise KeyboardInterrupt

    cache = DriveCache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.ensure("drive", interrupted())
    assert [path.name for path in tmp_path.iterdir()] == ["drive.lock"]


def test_a_cache_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").touch()
    dataset = StreetDataset([scenario()], cache_dir=tmp_path / "file")
    with pytest.raises(CacheNotWritten, match="file"):
        dataset[0]


def test_the_order_by_drives_is_a_shuffle_that_stays_in_one_drive() -> None:
    dataset = StreetDataset([scenario(seed) for seed in range(4)], past=1)
    order = list(DriveOrder(dataset, torch.Generator().manual_seed(3)))
    assert sorted(order) == list(range(len(dataset)))
    drives = [index // (FRAMES - 1) for index in order]
    assert sum(a != b for a, b in pairwise(drives)) == 3
    assert order != sorted(order)
    assert order == list(DriveOrder(dataset, torch.Generator().manual_seed(3)))


def test_random_drives_and_changes() -> None:
    dataset = StreetDataset(random_drives(range(3)), frames_per_drive=2)
    assert dataset.drives == [range(2)] * 3
    blind = StreetDataset([scenario()], changes={"sensors.lidar": "none"}, frames_per_drive=1)
    assert len(blind[0].present.sight.points) == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stride": 0, "past": -1}, "stride = 0: must be at least 1; past = -1"),
        ({"frames_per_drive": 0}, "frames_per_drive = 0"),
        ({"future": FRAMES}, f"{FRAMES} frames, a sample needs past + 1 + future = {FRAMES + 1}"),
        ({"changes": {"sensors.lidar": "sonar"}}, "sensors.lidar = 'sonar'"),
    ],
)
def test_what_is_refused(options, reason) -> None:
    with pytest.raises(ConfigurationError) as caught:
        StreetDataset([scenario()], **options)
    assert reason in str(caught.value)


@pytest.mark.parametrize("index", [-1, FRAMES])
def test_an_index_beyond_the_end(index) -> None:
    with pytest.raises(IndexError, match=f"index = {index}"):
        StreetDataset([scenario()])[index]
