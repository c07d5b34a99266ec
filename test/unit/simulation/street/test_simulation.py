"""A simulated drive: what is measured agrees with what is true."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.simulation.street.small_place import PLACE

from snn_ros.geometry.angles import wrap_angle
from snn_ros.geometry.boxes import count_points
from snn_ros.geometry.rigid import inverse
from snn_ros.kitti.difficulty import (
    EASY,
    FULLY_VISIBLE,
    LARGELY_OCCLUDED,
    NO_DIFFICULTY,
    UNKNOWN,
)
from snn_ros.simulation.sensors.mounts import kitti_stereo
from snn_ros.simulation.street.actors import ActorSpec, ActorState
from snn_ros.simulation.street.ego import EgoCommand, EgoParameters, EgoState, step
from snn_ros.simulation.street.ground_truth import object_labels
from snn_ros.simulation.street.motion import sub_steps
from snn_ros.simulation.street.scenario import Density, StreetScenario, street_scenario
from snn_ros.simulation.street.scene import StreetScene
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation
from snn_ros.simulation.street.visibility import Visibility, look

EXACT_ODOMETRY = {
    "scale_error": 0.0, "speed_noise": 0.0, "yaw_rate_bias": 0.0, "yaw_rate_walk": 0.0,
    "yaw_rate_noise": 0.0,
}  # fmt: skip
EXACT_IMU = {
    "orientation_noise": 0.0, "accelerometer_noise": 0.0, "accelerometer_bias": 0.0,
    "gyroscope_noise": 0.0, "gyroscope_bias": 0.0,
}  # fmt: skip


def turning(**sensors: Any) -> StreetScenario:
    """A left turn at a crossing, by default with a small LiDAR and nothing else."""
    values = {
        "duration": 4.0,
        "seed": 3,
        "layout": {"kind": "crossing"},
        "ego": {"position": 105.0, "speed": 6.0, "route": ["left"]},
        "sensors": {"lidar": "vlp_16", "lidar_columns": 180, **sensors},
    }
    return street_scenario(values, "test")


def drive(scenario: StreetScenario, control: EgoCommand | None = None) -> list[StreetReadings]:
    with StreetSimulation(scenario) as street:
        return [street.advance(control) for _ in range(street.periods_left)]


@given(
    speed=st.floats(0.0, 20.0),
    acceleration=st.floats(-6.0, 3.0),
    steering=st.floats(-0.5, 0.5),
    yaw=st.floats(-3.1, 3.1),
    count=st.integers(1, 12),
)
def test_parts_of_a_period_add_up_to_it(
    speed: float, acceleration: float, steering: float, yaw: float, count: int
) -> None:
    before = EgoState(1.0, 2.0, yaw, speed, acceleration, steering)
    after = step(before, EgoCommand(steering, acceleration), 0.1, EgoParameters())
    parts = sub_steps(before, after, 5.0, 5.1, count)
    x, y, heading = before.x, before.y, before.yaw
    for part in parts:
        turn = part.mean_speed * part.curvature * part.duration
        chord = part.mean_speed * part.duration * np.sinc(turn / (2.0 * math.pi))
        x += chord * math.cos(heading + turn / 2.0)
        y += chord * math.sin(heading + turn / 2.0)
        heading += turn
        assert part.yaw == pytest.approx(heading, abs=1e-9)
    assert (x, y) == pytest.approx((after.x, after.y), abs=1e-9)
    assert float(wrap_angle(np.array(heading - after.yaw))) == pytest.approx(0.0, abs=1e-9)
    assert (parts[-1].time, parts[-1].speed) == pytest.approx((5.1, after.speed))


def test_odometry_without_flaws_is_the_true_way() -> None:
    readings = drive(turning(odometry=EXACT_ODOMETRY))
    with StreetSimulation(turning(odometry=EXACT_ODOMETRY)) as street:
        T_odom_map = inverse(street.start_pose)
    turned = 0.0
    for reading in readings:
        true = T_odom_map @ reading.pose
        odometry = reading.motion[-1].odometry
        assert (odometry.x, odometry.y) == pytest.approx(true[:2, 3], abs=1e-9)
        assert odometry.yaw == pytest.approx(math.atan2(true[1, 0], true[0, 0]), abs=1e-9)
        turned = max(turned, odometry.yaw)
    assert turned > 0.5  # it did turn left


def test_odometry_drifts_little() -> None:
    readings = drive(turning())
    with StreetSimulation(turning()) as street:
        T_odom_map = inverse(street.start_pose)
    true, odometry = T_odom_map @ readings[-1].pose, readings[-1].motion[-1].odometry
    way = sum(m.odometry.speed for r in readings for m in r.motion) * 0.02
    error = math.hypot(true[0, 3] - odometry.x, true[1, 3] - odometry.y)
    assert 0.0 < error < 0.05 * way


def test_the_gyroscope_sums_to_the_heading() -> None:
    readings = drive(turning(imu=EXACT_IMU))
    rates = [imu.angular_velocity[2] for reading in readings for _, imu in reading.imu]
    yaw = [2.0 * math.atan2(*imu.orientation[2:]) for reading in readings for _, imu in reading.imu]
    turned = float(np.sum(rates[1:]) * 0.01)
    assert turned == pytest.approx(yaw[-1] - yaw[0], abs=0.01)
    times = [time for reading in readings for time, _ in reading.imu]
    np.testing.assert_allclose(np.diff(times), 0.01, atol=1e-9)


def test_braking_is_felt() -> None:
    readings = drive(replace(turning(imu=EXACT_IMU), duration=1.5), EgoCommand(0.0, -3.0))
    force = readings[-1].imu[-1][1].specific_force
    assert force[0] == pytest.approx(-3.0, abs=0.1)
    assert force[2] == pytest.approx(9.81)


def test_what_a_sensor_draws_does_not_depend_on_the_others() -> None:
    """One may leave a sensor out and still compare the rest."""
    alone = drive(replace(turning(lidar="none", lidar_columns=None), duration=0.3))
    together = drive(replace(turning(), duration=0.3))
    assert all(reading.scan is None for reading in alone)
    for one, other in zip(alone, together, strict=True):
        assert one.motion[-1].odometry == other.motion[-1].odometry
        np.testing.assert_array_equal(
            one.imu[-1][1].specific_force, other.imu[-1][1].specific_force
        )


def test_labels_hold_the_points_they_count() -> None:
    found = 0
    scenario = turning(lidar="hdl_64e", lidar_columns=512)
    ego = replace(scenario.ego, position=60.0)
    scenario = replace(scenario, duration=0.5, ego=ego, traffic=Density(vehicles=14))
    with StreetSimulation(scenario) as street:
        while not street.finished:
            reading = street.advance()
            assert reading.scan is not None
            seen = reading.objects.labels.seen_from(inverse(reading.pose @ street.lidar_pose))
            counts = count_points(reading.scan.positions, seen.boxes)
            np.testing.assert_array_equal(counts, reading.objects.points)
            found += int((counts > 20).sum())
    assert found > 3


def seen(*places: tuple[float, float, str]) -> Visibility:
    """What KITTI's left camera sees of actors at x, y, ahead along +x; in their order."""
    sizes = {"sedan": (4.2, 1.8, 1.5), "truck": (8.0, 2.5, 3.4), "pedestrian": (0.6, 0.6, 1.75)}
    specs = [ActorSpec(i, kind, *sizes[kind]) for i, (_, _, kind) in enumerate(places)]
    states = {i: ActorState(x, y, 0.0) for i, (x, y, _) in enumerate(places)}
    scene = StreetScene(PLACE, specs)
    scene.place(states, ActorState(0.0, 0.0, 0.0), 0.0)
    labels = object_labels(specs, states, scene.ground_height)
    return look(scene, kitti_stereo()[0], np.eye(4), labels)


def test_a_free_car_is_easy_and_one_behind_is_not_seen() -> None:
    view = seen((15.0, 0.0, "sedan"), (-15.0, 0.0, "sedan"))
    assert view.occlusion.tolist() == [FULLY_VISIBLE, UNKNOWN]
    assert view.difficulty.tolist() == [EASY, NO_DIFFICULTY]
    assert view.image.in_view.tolist() == [True, False]


def test_a_truck_hides_a_car() -> None:
    view = seen((12.0, 0.0, "truck"), (30.0, 0.0, "sedan"))
    assert view.occlusion.tolist() == [FULLY_VISIBLE, UNKNOWN]  # wholly hidden


def test_a_car_hides_much_of_another() -> None:
    view = seen((12.0, 0.0, "sedan"), (22.0, 0.9, "sedan"))
    assert view.occlusion.tolist() == [FULLY_VISIBLE, LARGELY_OCCLUDED]


def test_its_own_windows_do_not_hide_a_car() -> None:
    for x in (8.0, 20.0, 40.0):
        assert seen((x, 1.5, "sedan")).occlusion.tolist() == [FULLY_VISIBLE]
