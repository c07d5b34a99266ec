"""Issue-size acceptance of the simulated streets: bytes, renderers, geometry, realism, speed.

Cases go through all street scenarios of config/scenarios, a few moments of each; those that draw
go through one of each kind of place and light.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import cv2
import mujoco
import numpy as np
import psutil
import pytest
from scipy.spatial.transform import Rotation
from support.closed_form import (
    SOLID,
    SOLID_AND_GLASS,
    cast,
    distance_to_mask,
    distances_to_boxes,
    distances_to_ground,
    photometric_offset,
    project,
    random_poses,
    through_pixels,
)
from support.pictures import LARGEST_MEAN, LARGEST_OF_MOST, differences
from support.street_bytes import in_a_process, pictures_by
from support.street_moments import NAMES, moments, scenario
from unit.simulation.sensors.test_lidar import World

from benchmarks import lidar_realism, realism_report, scan_statistics
from benchmarks import simulation as speed
from benchmarks.street_worlds import drives_through
from snn_ros.bags import BagReader
from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.image_boxes import project_boxes
from snn_ros.geometry.rigid import inverse, rigid_transform
from snn_ros.kitti.calibration import read_object_calibration
from snn_ros.kitti.difficulty import difficulties
from snn_ros.simulation.sensors.camera import CameraConfig, CameraRig
from snn_ros.simulation.sensors.lidar import Lidar
from snn_ros.simulation.sensors.lidar_config import BEAMS, LIDARS
from snn_ros.simulation.sensors.mounts import KITTI_BASELINE, KITTI_LIDAR, kitti_stereo
from snn_ros.simulation.sensors.odometry import OdometryParameters, WheelOdometry
from snn_ros.simulation.sensors.sweep import Sweep
from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.motion import sub_steps
from snn_ros.simulation.street.simulation import ODOMETRY_RATE
from snn_ros.simulation.street.surfaces import class_index

EXACT_SCAN = replace(LIDARS["hdl_64e"].without_flaws(), minimum_range=0.1)
GROUND = [class_index(name) for name in ("road", "pavement", "terrain", "lane_marking")]
STEREO = kitti_stereo(640)
TWICE_KITTI = kitti_stereo(2 * 1242)[:1]  # half a pixel of KITTI's is a pixel of this camera
DRAWN = (
    "street_campus_autumn", "street_crossing_left", "street_crossing_night", "street_highway_dense",
    "street_parking_lot", "street_route_winter", "street_twenty_cars", "street_urban_day",
    "street_urban_dusk", "street_urban_overcast",
)  # fmt: skip
_BATCHES = 2  # of scenarios, drawn by one process each
PERFECT = CameraConfig(full_well=1e12, read_noise=0.0, vignetting=0.0)


# ---- 1: same seed, same bytes ---------------------------------------------------------------


def test_same_seed_same_bytes_in_two_processes(figures):
    first, second = (json.loads(in_a_process(["digests", *DRAWN])) for _ in range(2))
    figures.update(scenarios=len(first), digests=first)
    assert [name for name in DRAWN if first[name] != second[name]] == []


@pytest.mark.parametrize(("renderer", "samples"), [("osmesa", 4), ("softpipe", 0)])
def test_renderers_draw_the_same(figures, tmp_path, renderer, samples):
    problems = []
    for batch in (DRAWN[first::_BATCHES] for first in range(_BATCHES)):
        ours, theirs = (
            pictures_by(r, batch, tmp_path / f"{batch[0]}.{r}", samples) for r in ("egl", renderer)
        )
        for name in batch:
            pairs = {camera: (ours[name][camera], theirs[name][camera]) for camera in ours[name]}
            figures[name] = differences(pairs.values())
            for camera, pair in pairs.items():
                apart = differences([pair])
                if apart["mean"] > LARGEST_MEAN or apart["of_99_percent"] > LARGEST_OF_MOST:
                    problems.append(f"{name} {camera}: {apart}")
    assert problems == []


# ---- 2: geometry against closed form --------------------------------------------------------


@pytest.mark.parametrize("kind", LIDARS)
def test_lidar_on_planes_and_boxes(figures, kind):
    """Ranges of all beams, at any attitude of the sensor, against slabs."""
    config = replace(LIDARS[kind].without_flaws(), minimum_range=0.0, columns=512)
    blocks = BEAMS[config.beams]
    heights = np.repeat([b.height for b in blocks], [len(b.elevations) for b in blocks])
    elevations = np.radians(np.concatenate([block.elevations for block in blocks]))
    errors, expected_returns, returns = [], 0, 0
    for world_seed in range(50):
        generator = np.random.default_rng(world_seed)
        poses, half_sizes = random_poses(generator, 20), generator.uniform(0.2, 2.0, (20, 3))
        world = _boxes_on_ground(poses, half_sizes)
        tilt = np.append(generator.uniform(-0.05, 0.05, 2), 0.0) / 2
        sensor = rigid_transform([0.0, 0.0, generator.uniform(1.0, 2.5)], [*tilt, 1.0])
        scan = world.lidar(config).scan(world.data, sensor)

        ring, time = (scan.points[name].astype(np.float64) for name in ("ring", "time"))
        ring = ring.astype(int)
        azimuth = -2.0 * np.pi * config.rate * time
        from_axis = scan.positions - np.outer(heights[ring], [0.0, 0.0, 1.0])
        columns = ((np.arange(config.columns) + 0.5) / config.columns - 0.5) * -2.0 * np.pi
        every_ring = np.tile(np.arange(len(heights)), config.columns)
        every = _beams(sensor, np.repeat(columns, len(heights)), elevations, heights, every_ring)
        own = _beams(sensor, azimuth, elevations, heights, ring)
        errors.append(np.linalg.norm(from_axis, axis=1) - _ranges(*own, poses, half_sizes))
        reach = _ranges(*every, poses, half_sizes)
        met = np.where(np.isfinite(reach), reach, 0.0)[:, None] * every[1] + every[0]
        distance = np.linalg.norm(met - sensor[:3, 3], axis=1)
        expected_returns += int((np.isfinite(reach) & (distance <= config.maximum_range)).sum())
        returns += len(scan.points)
    error = np.abs(np.concatenate(errors))
    figures.update(
        ranges=len(error), largest_error_mm=1e3 * float(error.max()),
        share_within_1_mm=float(np.mean(error <= 1e-3)),
        returns=returns, expected_returns=expected_returns,
    )  # fmt: skip
    assert figures["share_within_1_mm"] >= 0.9999  # a beam may pass an edge by rounding
    assert abs(returns - expected_returns) <= 1e-4 * expected_returns


def _boxes_on_ground(poses, half_sizes):
    world = World(**{f"box_{i}": ((0.0, 0.0, 0.0), size) for i, size in enumerate(half_sizes)})
    world.data.mocap_pos[:] = poses[:, :3, 3]
    world.data.mocap_quat[:] = Rotation.from_matrix(poses[:, :3, :3]).as_quat()[:, [3, 0, 1, 2]]
    mujoco.mj_kinematics(world.model, world.data)
    return world


def _beams(sensor, azimuth, elevations, heights, ring):
    """Origins and unit directions in the world."""
    level = np.cos(elevations[ring])
    beams = np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevations[ring])], axis=-1
    )
    origins = sensor[:3, 3] + np.outer(heights[ring], sensor[:3, 2])
    return origins, beams @ sensor[:3, :3].T


def _ranges(origins, directions, poses, half_sizes):
    boxes = distances_to_boxes(origins, directions, poses, half_sizes)
    return np.minimum(boxes, distances_to_ground(origins, directions))


def test_lidar_in_streets_meets_what_rays_meet(figures):
    beams, columns = 4096, 512
    largest, agreeing = 0.0, []
    for moment in _moments_of(NAMES):
        model, data = moment.scene.model, moment.scene.data
        sweep = Sweep(
            model, BEAMS["hdl_64e"], columns=columns, rate=10.0, glass=moment.scene.surfaces.glass
        )
        pose = moment.base @ KITTI_LIDAR
        echoes = sweep.cast(data, pose)
        reach, geoms = np.full((columns, 64), np.inf), np.full((columns, 64), -1)
        from_axis = echoes.position - np.outer(sweep.heights[echoes.ring], [0.0, 0.0, 1.0])
        reach[echoes.column, echoes.ring] = np.linalg.norm(from_axis, axis=1)
        geoms[echoes.column, echoes.ring] = echoes.geom
        generator = np.random.default_rng(0)
        column, ring = generator.integers(0, columns, beams), generator.integers(0, 64, beams)
        elevations = np.arctan(sweep.tangents)
        rays = _beams(pose, sweep.azimuths[column], elevations, sweep.heights, ring)
        distance, met = cast(model, data, *rays, SOLID)
        same = geoms[column, ring] == met
        hit = same & (met >= 0)
        agreeing.append(same.mean())
        largest = max(largest, float(np.abs(reach[column, ring][hit] - distance[hit]).max()))
    figures.update(
        moments=len(agreeing), rays=beams * len(agreeing), largest_error_mm=1e3 * largest,
        smallest_share_of_same_surface=float(min(agreeing)),
    )  # fmt: skip
    assert largest <= 1e-3
    assert min(agreeing) >= 0.999


def test_disparity_is_focal_length_times_baseline_over_depth(figures):
    left = STEREO[0]
    errors, agreeing, offsets = [], [], {}
    for moment in _moments_of(DRAWN, cameras=STEREO):
        model, data = moment.scene.model, moment.scene.data
        with CameraRig(model, STEREO, PERFECT, np.random.default_rng(0)) as rig:
            disparity = rig.disparity(data)
            geoms = rig.labels(data, "left", np.arange(model.ngeom), background=-1)
            depths = [rig.depth(data, name) for name in ("left", "right")]
            gray = [image.mean(axis=-1) for image in rig.render(data).values()]
        generator = np.random.default_rng(0)
        column, row = (
            generator.integers(0, left.width, 2000),
            generator.integers(0, left.height, 2000),
        )
        origins, directions, cosines = through_pixels(left, moment.base, column, row)
        distance, met = cast(model, data, origins, directions, SOLID_AND_GLASS)
        drawn = geoms[row, column] >= 0
        same = (geoms[row, column] == met) & drawn
        expected = left.fx * KITTI_BASELINE / (distance * cosines)[same]
        errors.append(np.abs(disparity[row, column][same] - expected))
        agreeing.append(same.sum() / drawn.sum())
        offsets.setdefault(moment.name, []).append(
            photometric_offset(*gray, _seen_by_both(disparity, *depths))
        )
    error = np.concatenate(errors)
    figures.update(
        pixels=len(error), largest_error_px=float(error.max()),
        share_within_0_1_px=float(np.mean(error <= 0.1)),
        smallest_share_of_same_surface=float(min(agreeing)),
        picture_offset_px=offsets,
    )  # fmt: skip
    assert figures["share_within_0_1_px"] >= 0.999  # a pixel's middle may pass an edge by rounding
    assert min(agreeing) >= 0.99
    assert max(abs(x) for values in offsets.values() for x in values) <= 0.1


def _seen_by_both(disparity, left_depth, right_depth):
    """The disparity, NaN where the right camera sees something else or nothing."""
    row, column = np.indices(disparity.shape)
    at = np.rint(column - disparity).astype(int)
    inside = (disparity > 0.0) & (at > 0)
    other = right_depth[row, np.clip(at, 0, disparity.shape[1] - 1)]
    ratio = np.divide(other, left_depth, out=np.zeros_like(other), where=inside)
    return np.where(inside & (np.abs(ratio - 1.0) < 0.02), disparity, np.nan)


def test_boxes_hold_the_points_their_labels_count(figures):
    totals = dict.fromkeys(("boxes", "points", "beyond_1_cm", "of_others"), 0)
    noisy = dict.fromkeys(("points", "beyond_3_sigma"), 0)
    for moment in _moments_of(NAMES):
        model, surfaces = moment.scene.model, moment.scene.surfaces
        pose = moment.base @ KITTI_LIDAR
        labels = moment.labels.seen_from(inverse(pose))
        exact, real = (
            Lidar(model, config, surfaces, np.random.default_rng(0)).scan(moment.scene.data, pose)
            for config in (EXACT_SCAN, LIDARS["hdl_64e"])
        )
        actor, real_actor = surfaces.actor[exact.geom], surfaces.actor[real.geom]
        # the ground touches all boxes, and low branches reach over parked cars
        of_place = np.isin(surfaces.semantic[exact.geom], [*GROUND, class_index("vegetation")])
        for identifier, box in zip(labels.identifiers, labels.boxes, strict=True):
            own = exact.positions[actor == identifier]
            totals["boxes"] += len(own) > 0
            totals["points"] += len(own)
            totals["beyond_1_cm"] += len(own) - int(count_points(own, box[None], 0.01)[0])
            others = exact.positions[(actor != identifier) & ~of_place]
            totals["of_others"] += int(count_points(others, box[None], -0.01)[0])
            own = real.positions[real_actor == identifier]
            noisy["points"] += len(own)
            margin = 3.0 * LIDARS["hdl_64e"].range_noise
            noisy["beyond_3_sigma"] += len(own) - int(count_points(own, box[None], margin)[0])
    figures.update(exact=totals, with_noise=noisy)
    assert totals["beyond_1_cm"] == totals["of_others"] == 0
    assert noisy["beyond_3_sigma"] <= 0.003 * noisy["points"]


def test_camera_lidar_and_frames_agree(figures):
    """Points of actors fall on their pixels, and their pixels into their projected boxes."""
    camera = TWICE_KITTI[0]
    points, boxes = [], []
    for moment in _moments_of(DRAWN, cameras=TWICE_KITTI):
        model, data, surfaces = moment.scene.model, moment.scene.data, moment.scene.surfaces
        with CameraRig(model, TWICE_KITTI, PERFECT, np.random.default_rng(0)) as rig:
            depth = rig.depth(data, "left")
            shown = rig.labels(data, "left", surfaces.actor, background=-1)
        pose = moment.base @ KITTI_LIDAR
        scan = Lidar(model, EXACT_SCAN, surfaces, np.random.default_rng(0)).scan(data, pose)
        seen = project(camera, moment.base, scan.positions @ pose[:3, :3].T + pose[:3, 3])
        actor = np.where(_in_plain_view(seen, depth), surfaces.actor[scan.geom], -1)
        image = project_boxes(
            moment.labels.boxes, inverse(moment.base @ camera.pose), camera.intrinsics,
            camera.width, camera.height,
        )  # fmt: skip
        for identifier, box in zip(moment.labels.identifiers, image.boxes, strict=True):
            mask = shown == identifier
            if not mask.any():
                continue
            row, column = np.nonzero(mask)
            beyond = [box[0] - column.min(), column.max() - box[2],
                      box[1] - row.min(), row.max() - box[3]]  # fmt: skip
            boxes.append(max(beyond))
            if (actor == identifier).any():
                points.append(distance_to_mask(mask)(seen[actor == identifier, :2]))
    distance = np.concatenate(points) / 2.0
    figures.update(
        points=len(distance), largest_distance_px=float(distance.max()),
        share_within_half_a_pixel=float(np.mean(distance <= 0.5)),
        boxes=len(boxes), furthest_beyond_its_box_px=float(max(boxes)) / 2.0,
    )  # fmt: skip
    # what is thinner than a pixel, or a lamp's edge seen from behind, may not be drawn
    assert figures["share_within_half_a_pixel"] >= 0.999
    assert figures["furthest_beyond_its_box_px"] <= 0.5


def _in_plain_view(seen, depth):
    """Which projected points lie in the image with nothing nearer there or in the next pixels."""
    height, width = depth.shape
    column, row = (np.rint(np.nan_to_num(seen[:, axis], posinf=-1)).astype(int) for axis in (0, 1))
    inside = (seen[:, 2] > 0.5) & (column > 0) & (column < width - 1)
    inside &= (row > 0) & (row < height - 1)
    nearest = np.full(len(seen), np.inf)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            at = depth[(row + down)[inside], (column + right)[inside]]
            nearest[inside] = np.minimum(nearest[inside], at)
    # surfaces met at a grazing angle are a little nearer in the next pixel
    return inside & (nearest > seen[:, 2] - np.maximum(0.02 * seen[:, 2], 0.1))


def test_odometry_integrates_to_the_pose(figures):
    exact = OdometryParameters(**dict.fromkeys(OdometryParameters.__dataclass_fields__, 0.0))
    largest, drifts = 0.0, []
    for name in NAMES:
        drive = StreetDrive(scenario(name))
        start = before = drive.frame.ego
        sensors = [
            WheelOdometry(p, np.random.default_rng(1)) for p in (exact, OdometryParameters())
        ]
        way, parts = 0.0, round(drive.scenario.period * ODOMETRY_RATE)
        while not drive.finished:
            began = drive.time
            ego = drive.advance().ego
            for part in sub_steps(before, ego, began, drive.time, parts):
                turn_rate = part.mean_speed * part.curvature
                readings = [s.step(part.mean_speed, turn_rate, part.duration) for s in sensors]
                way += part.mean_speed * part.duration
            before = ego
            true, drifted = (_against(start, ego, reading) for reading in readings)
            largest = max(largest, true)
        drifts.append(drifted / max(way, 1.0))
    figures.update(
        drives=len(NAMES), largest_error_m=largest,
        median_drift_of_the_way=float(np.median(drifts)), largest_drift_of_the_way=max(drifts),
    )  # fmt: skip
    assert largest <= 1e-6
    assert 0.001 < figures["median_drift_of_the_way"] < 0.03


def _against(start, ego, reading):
    """Distance in m between the true place and that of odometry, which begins at the start."""
    cosine, sine = np.cos(start.yaw), np.sin(start.yaw)
    x = start.x + reading.x * cosine - reading.y * sine
    y = start.y + reading.x * sine + reading.y * cosine
    return float(np.hypot(x - ego.x, y - ego.y))


def test_difficulties_are_those_of_the_development_kit(figures, data_dir):
    """The kit's loop, written out, on labels of KITTI and on a grid of all borders."""
    cases = [
        (height, occlusion, truncation)
        for height in (10.0, 24.9, 25.0, 25.1, 39.9, 40.0, 40.1, 200.0)
        for occlusion in range(4)
        for truncation in (0.0, 0.15, 0.151, 0.3, 0.301, 0.5, 0.501, 1.0)
    ]
    labels = data_dir / "kitti_object" / "training" / "label_2"
    for file in sorted(labels.glob("*.txt")):
        for kind, *words in map(str.split, file.read_text().splitlines()):
            if kind != "DontCare":
                cases.append((float(words[6]) - float(words[4]), int(words[1]), float(words[0])))
    columns = np.array(cases)
    found = difficulties(columns[:, 0], columns[:, 1].astype(int), columns[:, 2])
    expected = [_difficulty_of_the_kit(*case) for case in cases]
    figures.update(cases=len(cases), of_kitti=len(cases) - 256)
    assert found.tolist() == expected


def _difficulty_of_the_kit(height, occlusion, truncation):
    """evaluate_object.cpp: MIN_HEIGHT, MAX_OCCLUSION, MAX_TRUNCATION, for ground truth."""
    for level, (smallest, hidden, cut) in enumerate([(40, 0, 0.15), (25, 1, 0.3), (25, 2, 0.5)]):
        ignored = occlusion > hidden or truncation > cut or height <= smallest
        if not ignored:
            return level
    return -1


def test_projected_boxes_of_kitti_are_its_2d_boxes(figures, data_dir):
    """Our 2D boxes of KITTI's 3D labels, against those that people drew."""
    folder = data_dir / "kitti_object" / "training"
    overlaps, truncations = [], []
    for file in sorted((folder / "label_2").glob("*.txt")):
        calibration = read_object_calibration(folder / "calib" / file.name)
        height, width = cv2.imread(str(folder / "image_2" / f"{file.stem}.png")).shape[:2]
        matrix = calibration.projections[2]
        camera_from_velodyne = calibration.sensors["velodyne"][1].copy()
        camera_from_velodyne[:3, 3] += np.linalg.solve(matrix[:, :3], matrix[:, 3])
        cars = lidar_realism.labelled_cars(folder, file.stem)
        ours = project_boxes(cars, camera_from_velodyne, matrix[:, :3], width, height)
        drawn = [line.split() for line in file.read_text().splitlines()]
        drawn = np.array(
            [words[1:8] for words in drawn if words[0] in lidar_realism.CARS], dtype=float
        )
        overlaps += _overlaps(ours.boxes, drawn.reshape(-1, 7)[:, 3:7]).tolist()
        truncations += np.abs(ours.truncation - drawn.reshape(-1, 7)[:, 0]).tolist()
    figures.update(
        cars=len(overlaps), smallest_overlap=min(overlaps),
        median_overlap=float(np.median(overlaps)),
        largest_difference_of_truncation=max(truncations),
    )  # fmt: skip
    assert figures["smallest_overlap"] >= 0.7


def _overlaps(first, second):
    """Intersection over union of rectangles (N, 4)."""
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared)


# ---- 3: realism -----------------------------------------------------------------------------


def test_the_lidar_looks_like_kittis(figures, data_dir):
    real = list(lidar_realism.real_scans(data_dir))
    simulated = list(lidar_realism.simulated_scans(drives_through()))
    rows = scan_statistics.compare(real, simulated)
    verdict = scan_statistics.verdict(rows)
    realism_report.write(lidar_realism.REPORT, rows, verdict, real, simulated)
    figures.update(
        verdict, real_scans=len(real), real_cars=sum(len(scan.cars) for scan in real),
        simulated_scans=len(simulated), ratios={row.name: row.ratio for row in rows},
    )  # fmt: skip
    assert verdict["share_within_bounds"] >= 0.9
    assert verdict["furthest_ratio"] <= scan_statistics.LARGEST


# ---- 4: speed -------------------------------------------------------------------------------


def test_speed(figures):
    figures.update(speed.measure())
    below = {name: figures[name] for name, least in speed.TARGETS.items() if figures[name] < least}
    assert below == {}


def test_a_minute_of_all_sensors_is_recorded_whole(figures, tmp_path):
    """Memory of the process that simulates and writes, and what is in the file."""
    words = ["simulate", "street_urban_day", "--bag", str(tmp_path / "bag"), "--json", "-"]
    settings = {"duration": 60, "sensors.cameras": "all", "sensors.lidar_columns": 2048}
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    command = [sys.executable, "-m", "snn_ros.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watched, most = psutil.Process(process.pid), 0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                most = max(most, watched.memory_info().rss)
            time.sleep(0.2)
        made = json.loads(process.stdout.read())
    periods, rates = 600, {"/imu": 10, "/odometry": 5, "/wheels": 5, "/tf": 6}
    once = {"/tf_static", "/route"}
    expected = {
        name: 1 if name in once else periods * rates.get(name, 1)
        for name in made["topics"]
        if name != "/ground_truth/collision"
    }
    with BagReader(tmp_path / "bag") as bag:
        found = Counter(message.topic for message in bag.messages())
    figures.update(
        peak_memory_gb=most / 2**30, wall_s=made["wall_s"], messages=found.total(),
        real_time_factor=60.0 / made["wall_s"], topics=len(expected),
        bag_gb=sum(file.stat().st_size for file in (tmp_path / "bag").iterdir()) / 2**30,
    )  # fmt: skip
    assert dict(found) == expected
    assert most < 3 * 2**30


def _moments_of(names, **options):
    for name in names:
        yield from moments(name, count=2, **options)
