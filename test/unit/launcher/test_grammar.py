"""Criterion: every launch file of the package keeps to the documented XML grammar."""

from collections.abc import Callable
from pathlib import Path

import pytest

from snn_ros.packages import PackageNotFoundError, find_executable
from snn_ros.ros.launcher import grammar
from snn_ros.ros.launcher.document import read
from snn_ros.ros.launcher.parser import load
from snn_ros.ros.launcher.run import LaunchSession

ROOT = Path(__file__).resolve().parents[3]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.xml"))
OF_A_ROS_INSTALL = {
    ("ros_gz_sim", "gzserver"),
    ("ros_gz_bridge", "parameter_bridge"),
    ("tf2_ros", "static_transform_publisher"),
}
"""What launch files start that comes with ROS and Gazebo, not with us."""


@pytest.mark.parametrize("file", LAUNCH_FILES, ids=lambda file: file.name)
def test_our_launch_files_keep_to_the_grammar_of_ros(file: Path) -> None:
    assert file.name.endswith(".launch.xml")
    assert [str(problem) for problem in grammar.check(read(file))] == []


@pytest.mark.parametrize("file", LAUNCH_FILES, ids=lambda file: file.name)
def test_our_launch_files_load_and_what_they_start_is_there(file: Path) -> None:
    description = load(file)
    assert description.nodes
    assert all(argument.description for argument in description.arguments)
    for node in description.nodes:
        assert node.name, "the launcher can only wait for nodes whose name it knows"
        if (node.package, node.executable) in OF_A_ROS_INSTALL:
            continue
        assert find_executable(node.package, node.executable).stat().st_mode & 0o111


def test_what_a_ros_install_lacks_is_named() -> None:
    with pytest.raises(PackageNotFoundError, match="no package 'ros_gz_sim' in "):
        LaunchSession("gazebo", environment={"AMENT_PREFIX_PATH": "", "PATH": ""})


def test_every_rule_that_is_named_exists() -> None:
    named = {name for rule in grammar.GRAMMAR.values() for name in rule.children.values()}
    assert named | {"launch"} == set(grammar.GRAMMAR)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("<nodes/>", "<launch> has no element <nodes>"),
        ('<node pkg="p"/>', "<node> needs the attribute 'exec'"),
        ('<node pkg="p" exec="e" type="t"/>', "<node> has no attribute 'type'"),
        ('<node pkg="p" exec="e" ns="n"/>', "<node> has no attribute 'ns'"),
        ('<node pkg="p" exec="e" required="true"/>', "<node> has no attribute 'required'"),
        ('<node pkg="p" exec="e" on_exit="restart"/>', "on_exit='restart': expected shutdown"),
        ('<node pkg="p" exec="e" respawn_delay="-1"/>', "expected a number of seconds"),
        ('<node pkg="p" exec="e" respawn_delay="$(var d)"/>', "expected a number of seconds"),
        ('<node pkg="p" exec="$(var"/>', "exec='$(var'"),
        ('<node pkg="p" exec="e"><rosparam/></node>', "<node> has no element <rosparam>"),
        ('<node pkg="p" exec="e"><env name="A"/></node>', "<env> needs the attribute 'value'"),
        (
            '<node pkg="p" exec="e"><env name="A" value="1" if="true"/></node>',
            "no attribute 'if'",
        ),
        ('<node pkg="p" exec="e"><remap from="a"/></node>', "<remap> needs the attribute 'to'"),
        ('<node pkg="p" exec="e"><param/></node>', "needs the attribute 'name' or 'from'"),
        ('<node pkg="p" exec="e"><param name="a"/></node>', "either the attribute 'value' or"),
        (
            '<node pkg="p" exec="e"><param name="a" value="1"><param name="b" value="1"/></param>'
            "</node>",
            "either the attribute 'value' or",
        ),
        ('<node pkg="p" exec="e"><param from="f" name="n"/></node>', "<param from> has no other"),
        (
            '<node pkg="p" exec="e"><param name="a" value="1" type="double"/></node>',
            "type='double': expected one of yaml, str",
        ),
        (
            '<node pkg="p" exec="e"><param name="a"><param from="f"/></param></node>',
            "<param> has no attribute 'from'",
        ),
        ('<arg name="a" value="1"/>', "<arg> has no attribute 'value'"),
        ('<arg name="$(var x)"/>', "expected a text without substitutions"),
        ('<arg default="1"/>', "<arg> needs the attribute 'name'"),
        ('<let name="a"/>', "<let> needs the attribute 'value'"),
        ('<group ns="a"/>', "<group> has no attribute 'ns'"),
        ('<group scoped="$(var s)"/>', "expected true or false"),
        ('<group if="1" unless="1"/>', "'if' and 'unless' exclude each other"),
        ("<include/>", "<include> needs the attribute 'file'"),
        ('<include file="f"><arg name="a" default="1"/></include>', "no attribute 'default'"),
        ('<include file="f"><let name="a" value="1"/></include>', "no element <let>"),
        ('<push_ros_namespace ns="a"/>', "needs the attribute 'namespace'"),
        ('<let name="a" value="$(find pkg)"/>', "unknown substitution $(find)"),
    ],
)
def test_what_the_grammar_lacks_is_named_with_its_line(
    write: Callable[..., Path], content: str, part: str
) -> None:
    problems = grammar.check(read(write("\n" + content)))
    assert problems
    assert {problem.line for problem in problems} == {3}
    assert any(part in problem.text for problem in problems)


def test_all_problems_are_reported_in_the_order_of_lines(write: Callable[..., Path]) -> None:
    file = write('<group>\n<node pkg="p"/>\n</group>\n<let name="a"/>\n<nodes/>')
    assert [problem.line for problem in grammar.check(read(file))] == [3, 5, 6]


def test_another_root_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text("<robot/>")
    assert "expected <launch>, found <robot>" in str(grammar.check(read(file))[0])
