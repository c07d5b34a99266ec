"""What the bridges carry is what our nodes take: names and types, through launch files."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
import yaml
from scipy.spatial.transform import Rotation

from snn_ros.nodes.street_topics import static_messages
from snn_ros.nodes.street_topics import topics as street_topics
from snn_ros.packages import OWN_PACKAGE, find_executable
from snn_ros.ros.conversions.geometry import read_transform
from snn_ros.ros.launcher.parser import load
from snn_ros.ros.node import SystemNode
from snn_ros.simulation.gazebo.frames import street_frames
from snn_ros.simulation.street.scenario import street_scenario
from snn_ros.simulation.street.simulation import StreetSimulation

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
WITH_NODES = ["gazebo_blimp"]
"""Launch files that start nodes of ours beside Gazebo; each system's is added here."""


def bridged(description) -> dict[tuple[str, str], str]:
    """Direction and full topic name to ROS type of all that the bridge of a launch file carries."""
    (node,) = (node for node in description.nodes if node.package == "ros_gz_bridge")
    (config,) = (p.value for p in node.parameters if getattr(p, "name", "") == "config_file")
    namespace = (node.namespace or "/").rstrip("/")
    topics = {}
    for entry in yaml.safe_load(Path(config).read_text()):
        name = entry["ros_topic_name"]
        full = name if name.startswith("/") else f"{namespace}/{name}"
        topics[entry["direction"], full] = entry["ros_type_name"]
    return topics


@pytest.fixture
def our_nodes(ros_domain) -> Iterator:
    """Construct and configure our nodes of a launch file in this process, with its remaps."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    made: list[SystemNode] = []

    def make(description) -> list[SystemNode]:
        for process in description.nodes:
            if process.package != OWN_PACKAGE:
                continue
            module = importlib.import_module(
                f"snn_ros.nodes.{process.executable.removesuffix('_node')}"
            )
            (node_class,) = (
                value
                for value in vars(module).values()
                if isinstance(value, type)
                and issubclass(value, SystemNode)
                and value.__module__ == module.__name__
            )
            command = process.command(find_executable(process.package, process.executable))
            arguments = command[command.index("--ros-args") :]
            node = node_class(
                process.name, context=context, cli_args=[*arguments, "-p", "autostart:=false"]
            )
            made.append(node)
            assert node.trigger_configure().name == "SUCCESS", process.name
        return made

    yield make
    for node in made:
        node.close()
    rclpy.shutdown(context=context)


def topics_of(node: SystemNode, kind: str) -> dict[str, str]:
    """Full topic name to type of what a node subscribes to or publishes."""
    graph = {
        "input": node.get_subscriber_names_and_types_by_node,
        "output": node.get_publisher_names_and_types_by_node,
    }[kind]
    return {name: types[0] for name, types in graph(node.get_name(), node.get_namespace())}


@pytest.mark.parametrize("name", WITH_NODES)
def test_every_input_has_a_source_and_every_command_a_taker(our_nodes, name):
    description = load(LAUNCH / f"{name}.launch.xml")
    nodes = our_nodes(description)
    carried = bridged(description)
    sources = {topic: kind for (way, topic), kind in carried.items() if way == "GZ_TO_ROS"}
    for node in nodes:
        sources |= topics_of(node, "output")
    for node in nodes:
        taken = topics_of(node, "input")
        for health in node.health.inputs.values():
            if health.required:
                assert health.topic in sources, f"nothing publishes {health.topic}"
            if health.topic in sources:
                assert sources[health.topic] == taken[health.topic], health.topic
    for (way, topic), kind in carried.items():
        if way == "ROS_TO_GZ":
            assert sources.get(topic) == kind, f"nobody commands {topic}"


@pytest.mark.parametrize("name", WITH_NODES)
def test_sensors_of_the_robot_reach_its_nodes(our_nodes, name):
    description = load(LAUNCH / f"{name}.launch.xml")
    listened = {topic for node in our_nodes(description) for topic in topics_of(node, "input")}
    carried = bridged(description)
    unheard = {topic for (way, topic) in carried if way == "GZ_TO_ROS"} - listened
    assert unheard <= {"/tf"}


@pytest.mark.parametrize("name", WITH_NODES)
def test_everything_runs_on_the_clock_of_gazebo(name):
    for node in load(LAUNCH / f"{name}.launch.xml").nodes:
        if node.package in (OWN_PACKAGE, "ros_gz_bridge"):
            values = {p.name: p.value for p in node.parameters if hasattr(p, "name")}
            assert values["use_sim_time"] is True, node.name


def test_a_street_in_gazebo_has_the_topics_of_ours():
    scenario = street_scenario(
        {"duration": 1.0, "layout": {"length": 100.0}, "sensors": {"cameras": "all"}}, "test"
    )
    ours = {
        topic.name if topic.name.startswith("/") else f"/{topic.name}": message_type(topic.type)
        for topic in street_topics(StreetSimulation(scenario))
    }
    carried = bridged(load(LAUNCH / "gazebo.launch.xml"))
    sensors = {topic: kind for (way, topic), kind in carried.items() if way == "GZ_TO_ROS"}
    assert sensors == {topic: ours.get(topic) for topic in sensors}
    commands = {topic: kind for (way, topic), kind in carried.items() if way == "ROS_TO_GZ"}
    assert commands == {"/cmd_vel": "geometry_msgs/msg/Twist"}
    cameras = {topic for topic in ours if topic.endswith(("/image", "/camera_info"))}
    assert len(cameras) == 16
    assert cameras | {"/lidar/points", "/imu", "/odometry"} <= set(sensors)


def test_the_frames_of_the_street_are_those_of_ours():
    scenario = street_scenario({"duration": 1.0, "sensors": {"cameras": "all"}}, "test")
    (frames,) = (m for m in static_messages(StreetSimulation(scenario)) if m.topic == "/tf_static")
    ours = {
        transform.child_frame_id: read_transform(transform).matrix
        for transform in frames.message.transforms
    }
    for name, (position, rotation) in street_frames().items():
        assert position == pytest.approx(ours[name][:3, 3], abs=1e-6)
        turned = Rotation.from_euler("xyz", rotation).as_matrix()
        assert turned == pytest.approx(ours[name][:3, :3], abs=1e-6)


def message_type(message: type) -> str:
    package, kind, _ = message.__module__.split(".")
    return f"{package}/{kind}/{message.__name__}"
