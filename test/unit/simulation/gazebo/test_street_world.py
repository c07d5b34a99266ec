"""A street in SDF is the street of the scenario: places, actors, sensors and their calibration."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from snn_ros.simulation.gazebo.bodies import actor_shapes
from snn_ros.simulation.gazebo.bridge import STREET
from snn_ros.simulation.gazebo.export import gazebo_world, write_gazebo_world
from snn_ros.simulation.gazebo.frames import street_frames
from snn_ros.simulation.sensors.mounts import KITTI_BASELINE, kitti_stereo, surround_six
from snn_ros.simulation.street.actors import ActorSpec
from snn_ros.simulation.street.drive import StreetDrive
from snn_ros.simulation.street.scenario import load_street_scenario

SCENARIOS = Path(__file__).resolve().parents[4] / "config" / "scenarios"
BODY_TO_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def numbers(element, path):
    return np.array(element.findtext(path).split(), dtype=float)


def read(name):
    scenario = load_street_scenario(SCENARIOS / f"{name}.yaml")
    world = ElementTree.fromstring(gazebo_world(scenario, name)).find("world")
    return StreetDrive(scenario), world


@pytest.fixture(scope="module")
def crossing():
    return read("street_crossing_left")


@pytest.fixture(scope="module")
def quick():
    return read("street_quick")


def test_same_scenario_same_file(tmp_path):
    scenario = load_street_scenario(SCENARIOS / "street_quick.yaml")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_gazebo_world(scenario, tmp_path / name / "here.sdf")
    first, second = ((tmp_path / n / "here.sdf").read_bytes() for n in ("first", "second"))
    assert first == second
    assert b'<world name="here">' in first


def test_areas_and_buildings_are_those_of_the_layout(crossing):
    drive, world = crossing
    layout = drive.layout
    for kind, areas, top in (
        ("road", layout.carriageway, 0.0),
        ("pavement", layout.pavements, layout.kerb_height),
        ("building", [b.footprint for b in layout.buildings], None),
    ):
        for i, area in enumerate(areas):
            visual = world.find(f".//visual[@name='{kind}_{i}']")
            points = [p.text.split() for p in visual.iter("point")]
            assert np.array(points, dtype=float) == pytest.approx(np.asarray(area), abs=1e-6)
            height = layout.buildings[i].height if top is None else top
            bottom = numbers(visual, "pose")[2]
            assert bottom + float(visual.findtext(".//height")) == pytest.approx(height, abs=1e-6)


def test_all_trees_and_poles_are_there(quick):
    drive, world = quick
    trunks = [v for v in world.iter("visual") if v.get("name").endswith("_trunk")]
    assert np.array([numbers(v, "pose")[:2] for v in trunks]) == pytest.approx(
        np.array([(tree.x, tree.y) for tree in drive.layout.trees]), abs=1e-6
    )
    for i, pole in enumerate(drive.layout.poles):
        visual = world.find(f".//visual[@name='{pole.kind}_{i}']")
        assert numbers(visual, "pose")[:3] == pytest.approx((pole.x, pole.y, pole.height / 2))


def test_dashes_lie_on_their_line_and_have_gaps(quick):
    drive, world = quick
    i = next(i for i, m in enumerate(drive.layout.markings) if m.kind == "dashed")
    marking = drive.layout.markings[i]
    length = float(np.linalg.norm(marking.points[-1] - marking.points[0]))
    dashes = [v for v in world.iter("visual") if v.get("name").startswith(f"marking_{i}_")]
    painted = sum(numbers(dash, ".//size")[0] for dash in dashes)
    assert painted == pytest.approx(length / 3, abs=3.0)
    for dash in dashes:
        assert numbers(dash, "pose")[1] == pytest.approx(marking.points[0, 1])


@pytest.mark.parametrize("place", ["quick", "crossing"])
def test_actors_stand_or_move_as_the_scenario_begins(place, request):
    drive, world = request.getfixturevalue(place)
    models = {model.get("name"): model for model in world.findall("model")}
    assert len([name for name in models if name.startswith("actor_")]) == len(drive.frame.actors)
    for spec in drive.specs:
        state, model = drive.frame.actors[spec.identifier], models[f"actor_{spec.identifier}"]
        assert numbers(model, "pose") == pytest.approx(
            (state.x, state.y, 0.0, 0.0, 0.0, state.yaw), abs=1e-6
        )
        size = numbers(model, ".//collision/geometry/box/size")
        assert size[:2] == pytest.approx((spec.length, spec.width))
        assert (model.findtext("static") == "true") == spec.parked
        if not spec.parked:
            assert numbers(model, "plugin/initial_linear")[0] == pytest.approx(state.speed)


@pytest.mark.parametrize("kind", ["sedan", "van", "truck", "pedestrian", "cyclist"])
def test_a_body_stays_within_its_box(kind):
    sizes = {
        "sedan": (4.4, 1.8, 1.5), "van": (5.0, 2.0, 2.2), "truck": (9.0, 2.5, 3.4),
        "pedestrian": (0.6, 0.6, 1.75), "cyclist": (1.8, 0.6, 1.75),
    }  # fmt: skip
    spec = ActorSpec(0, kind, *sizes[kind])
    half = np.array([spec.length / 2, spec.width / 2])
    reach = np.concatenate([extent(shape) for shape in actor_shapes(spec)])
    slack = 0.06  # m; lamps and tyres stand out a little
    assert (np.abs(reach[:, :2]) <= half + slack).all()
    assert reach[:, 2].min() >= -slack
    assert reach[:, 2].max() == pytest.approx(spec.height, abs=0.12 * spec.height)
    for axis in (0, 1):
        assert reach[:, axis].max() >= 0.5 * half[axis]


def extent(shape):
    """(N, 3) corners of a shape in its link."""
    values = dict(shape.geometry.values)
    if shape.geometry.tag == "polyline":
        outline = [value for tag, value in shape.geometry.values if tag == "point"]
        corners = [(*point, z) for point in outline for z in (0.0, values["height"])]
    else:
        if shape.geometry.tag == "cylinder":
            half = (values["radius"], values["radius"], values["length"] / 2)
        else:
            half = values.get("radii") or tuple(side / 2 for side in values["size"])
        signs = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
        # an ellipsoid reaches as far as its half axes, not to the corners of its box
        corners = signs * half if shape.geometry.tag != "ellipsoid" else np.diag(half)
        corners = np.concatenate([corners, -np.asarray(corners)])
    turned = Rotation.from_euler("xyz", shape.rotation).apply(np.array(corners, dtype=float))
    return turned + shape.position


def test_the_ego_starts_where_the_drive_starts(crossing):
    drive, world = crossing
    ego = drive.frame.ego
    model = world.find("model[@name='ego']")
    assert numbers(model, "pose") == pytest.approx((ego.x, ego.y, 0, 0, 0, ego.yaw), abs=1e-6)
    plugin = model.find("plugin[@name='gz::sim::systems::AckermannSteering']")
    joints = {joint.get("name") for joint in model.findall("joint")}
    named = {element.text for element in plugin if element.tag.endswith("_joint")}
    assert len(named) == 6
    assert named <= joints
    vehicle = drive.scenario.ego.vehicle
    assert float(plugin.findtext("wheel_base")) == vehicle.wheelbase
    radius = float(plugin.findtext("wheel_radius"))
    for wheel in ("rear_left_wheel", "front_right_wheel"):
        assert numbers(model.find(f"link[@name='{wheel}']"), "pose")[2] == radius


def test_cameras_see_what_ours_see(quick):
    drive, world = quick
    choice = drive.scenario.sensors
    mounts = [*kitti_stereo(choice.stereo_width), *surround_six(choice.surround_width)]
    for mount in mounts:
        sensor = world.find(f".//sensor[@name='{mount.name}']")
        pose = numbers(sensor, "pose")
        optical = Rotation.from_euler("xyz", pose[3:]).as_matrix() @ BODY_TO_OPTICAL
        assert optical == pytest.approx(mount.pose[:3, :3], abs=1e-6)
        assert pose[:3] == pytest.approx(mount.pose[:3, 3], abs=1e-6)
        for key in ("fx", "fy", "cx", "cy"):
            assert float(sensor.findtext(f".//{key}")) == pytest.approx(
                getattr(mount, key), abs=1e-6
            )
        half_view = math.tan(float(sensor.findtext(".//horizontal_fov")) / 2)
        assert half_view * mount.fx == pytest.approx(mount.width / 2, rel=1e-5)
        shift = float(sensor.findtext(".//tx"))
        expected = -mount.fx * KITTI_BASELINE if mount.name == "right" else 0.0
        assert shift == pytest.approx(expected, abs=1e-5)


def test_the_lidar_has_64_by_1024_rays(quick):
    _, world = quick
    sensor = world.find(".//sensor[@name='lidar']")
    assert int(sensor.findtext(".//vertical/samples")) == 64
    assert int(sensor.findtext(".//horizontal/samples")) == 1024
    first, last = (float(sensor.findtext(f".//horizontal/{k}_angle")) for k in ("min", "max"))
    assert last - first == pytest.approx(2 * math.pi * 1023 / 1024, abs=1e-5)  # none twice


def test_no_sensor_sees_its_own_car(quick):
    _, world = quick
    ego = world.find("model[@name='ego']")
    own = [int(visual.findtext("visibility_flags")) for visual in ego.iter("visual")]
    masks = [int(mask.text) for mask in ego.iter("visibility_mask")]
    assert len(masks) == 9
    assert len(own) > 5
    assert all(flags & mask == 0 for flags in own for mask in masks)


def test_every_sensor_is_bridged_and_names_its_frame(quick):
    _, world = quick
    gazebo_topics = {topic.entry["gz_topic_name"] for topic in STREET if topic.to_ros}
    published = set()
    for sensor in world.iter("sensor"):
        topic = sensor.findtext("topic")
        published.add(f"/{topic}/points" if sensor.get("type") == "gpu_lidar" else f"/{topic}")
        if sensor.get("type") == "camera":
            published.add(f"/{topic.removesuffix('image')}camera_info")
        assert sensor.findtext("gz_frame_id") == sensor.get("name")
    assert published == gazebo_topics - {"/clock", "/odometry", "/odometry/tf"}
    assert {sensor.get("name") for sensor in world.iter("sensor")} == set(street_frames())


@pytest.mark.parametrize("name", ["street_campus", "street_crossing_night", "street_route_winter"])
def test_names_are_unique_among_siblings_and_numbers_finite(name):
    _, world = read(name)
    for element in world.iter():
        # plugins are named by their class
        names = [c.get("name") for c in element if c.tag != "plugin" and c.get("name")]
        assert len(names) == len(set(names))
        for word in (element.text or "").split():
            assert word.lstrip("-") not in ("nan", "inf")
