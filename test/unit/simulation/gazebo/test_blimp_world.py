"""The blimp in SDF floats, hangs upright and measures downwards, by closed form."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from snn_ros.simulation.gazebo.bridge import BLIMP_ROOM
from snn_ros.simulation.gazebo.export import gazebo_world
from snn_ros.simulation.gazebo.frames import blimp_frames
from snn_ros.simulation.scenario import load_scenario
from snn_ros.simulation.vehicles.blimp_parameters import AIR_DENSITY
from snn_ros.simulation.worlds.room import parts

SCENARIOS = Path(__file__).resolve().parents[4] / "config" / "scenarios"


@pytest.fixture(scope="module")
def flight():
    return load_scenario(SCENARIOS / "blimp_four_setpoints.yaml")


@pytest.fixture(scope="module")
def world(flight):
    return ElementTree.fromstring(gazebo_world(flight, "room")).find("world")


@pytest.fixture(scope="module")
def blimp(world):
    return world.find("model[@name='blimp']")


def numbers(element, path):
    return np.array(element.findtext(path).split(), dtype=float)


def test_it_is_neutral(world, blimp):
    """Archimedes: the hull's ellipsoid of air weighs as much as all links."""
    a, b, c = numbers(blimp, "link[@name='hull']/collision/geometry/ellipsoid/radii")
    density = float(world.findtext(".//uniform_fluid_density"))
    assert density == AIR_DENSITY
    assert world.findtext(".//enable") == "blimp::hull"
    mass = sum(float(link.findtext("inertial/mass")) for link in blimp.findall("link"))
    assert mass == pytest.approx(4 / 3 * math.pi * a * b * c * density, rel=1e-4)


def test_its_weight_hangs_below_its_lift(flight, blimp):
    heights = {link.get("name"): numbers(link, "pose")[2] for link in blimp.findall("link")}
    assert heights["hull"] == pytest.approx(flight.vehicle.range_finder_depth)
    assert all(heights[name] < heights["hull"] for name in heights if name != "hull")


def test_it_starts_where_the_flight_starts(flight, blimp):
    start = flight.start
    assert numbers(blimp, "pose") == pytest.approx(
        (start.x, start.y, start.altitude, 0.0, 0.0, start.yaw)
    )


def test_thrust_points_up_forward_and_down_as_the_shaft_tilts(blimp):
    axis = numbers(blimp, "joint[@name='shaft_joint']/axis/xyz")
    propeller = numbers(blimp, "joint[@name='left_propeller_joint']/axis/xyz")
    for tilt, direction in ((0.0, (0, 0, 1)), (math.pi / 2, (1, 0, 0)), (math.pi, (0, 0, -1))):
        turned = Rotation.from_rotvec(tilt * axis).apply(propeller)
        assert turned == pytest.approx(direction, abs=1e-6)


def test_the_propellers_push_as_hard_as_ours_and_turn_against_each_other(flight, blimp):
    thrusters = blimp.findall("plugin[@name='gz::sim::systems::Thruster']")
    assert len(thrusters) == 2
    for thruster in thrusters:
        full = float(thruster.findtext("max_thrust_cmd"))
        assert full == pytest.approx(flight.vehicle.static_thrust(1.0), abs=1e-6)
    coefficients = [float(thruster.findtext("thrust_coefficient")) for thruster in thrusters]
    assert sum(coefficients) == 0.0
    left, right = (
        numbers(blimp, f"link[@name='{side}_propeller']/pose")[1] for side in ("left", "right")
    )
    assert (left, right) == (flight.vehicle.thruster_arm, -flight.vehicle.thruster_arm)


def test_drag_brakes_and_added_mass_is_that_of_the_hull(flight, blimp):
    drag = blimp.find("plugin[@name='gz::sim::systems::Hydrodynamics']")
    terms = {term.tag: float(term.text) for term in drag if term.tag[0] in "xyzkmn"}
    assert len(terms) == 12
    assert all(value <= 0.0 for value in terms.values())
    assert terms["zWabsW"] == pytest.approx(-flight.vehicle.quadratic_drag[2], abs=1e-6)
    added = blimp.find("link[@name='hull']/inertial/fluid_added_mass")
    assert float(added.findtext("zz")) == pytest.approx(flight.vehicle.added_mass[2], abs=1e-6)


def test_the_range_finder_is_at_base_link_and_looks_down(flight, blimp):
    sensor = blimp.find(".//sensor[@name='range_finder']")
    link_height = numbers(blimp, "link[@name='gondola']/pose")[2]
    pose = numbers(sensor, "pose")
    assert pose[2] + link_height == pytest.approx(0.0, abs=1e-9)
    looks = Rotation.from_euler("xyz", pose[3:]).apply([1.0, 0.0, 0.0])
    assert looks == pytest.approx((0.0, 0.0, -1.0), abs=1e-6)
    frame = Rotation.from_euler("xyz", blimp_frames(flight.vehicle)["range_finder"][1])
    assert frame.apply([1.0, 0.0, 0.0]) == pytest.approx((0.0, 0.0, -1.0), abs=1e-6)
    samples = [int(element.text) for element in sensor.iter("samples")]
    assert all(count % 2 == 1 for count in samples), "there is a ray in the middle"
    assert float(sensor.findtext(".//range/max")) == flight.sensors.range_finder.maximum


def test_the_room_has_its_size_and_furniture(flight, world):
    room = world.find("model[@name='room']/link")
    floor = room.find("collision[@name='floor_collision']")
    assert numbers(floor, "pose")[2] + numbers(floor, "geometry/box/size")[2] / 2 == 0.0
    wall = room.find("collision[@name='wall_front_collision']")
    inner = numbers(wall, "pose")[0] - numbers(wall, "geometry/box/size")[0] / 2
    assert inner == pytest.approx(flight.world.length / 2)
    visuals = {visual.get("name") for visual in room.findall("visual")}
    assert {part.name for part in parts(flight.world)} <= visuals


def test_every_sensor_and_drive_is_bridged(world, blimp):
    entries = [topic.entry for topic in BLIMP_ROOM]
    published = {f"/{sensor.findtext('topic')}" for sensor in world.iter("sensor")}
    assert published == {"/imu", "/range_scan"}
    assert published <= {e["gz_topic_name"] for e in entries if e["direction"] == "GZ_TO_ROS"}
    thrust = {
        f"/model/{plugin.findtext('namespace')}/joint/{plugin.findtext('joint_name')}/cmd_thrust"
        for plugin in blimp.findall("plugin[@name='gz::sim::systems::Thruster']")
    }
    servo = blimp.find("plugin[@name='gz::sim::systems::JointPositionController']")
    turned = f"/model/blimp/joint/{servo.findtext('joint_name')}/0/cmd_pos"
    commands = {e["gz_topic_name"] for e in entries if e["direction"] == "ROS_TO_GZ"}
    assert commands == thrust | {turned}
