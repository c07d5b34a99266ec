from collections.abc import Callable
from pathlib import Path

import pytest

from snn_ros.ros.launcher.description import NodeProcess, Parameter, ParameterFile
from snn_ros.ros.launcher.errors import LaunchArgumentError, LaunchFileError
from snn_ros.ros.launcher.parser import load, read_arguments

Write = Callable[..., Path]
TALKER = '<node pkg="demo" exec="talker" name="{}"/>'


def nodes(file: Path, environment: dict[str, str] | None = None, **arguments: str) -> list:
    return list(load(file, arguments, environment or {}).nodes)


def names(file: Path, **arguments: str) -> list[str | None]:
    return [node.full_name for node in nodes(file, **arguments)]


def words(node: NodeProcess) -> list[str]:
    """What follows --ros-args."""
    command = node.command(Path("/bin/true"))
    return command[command.index("--ros-args") + 1 :]


def refused(file: Path, **arguments: str) -> str:
    with pytest.raises(LaunchFileError) as caught:
        load(file, arguments, {})
    (problem,) = caught.value.problems
    return f"{problem.file.name}:{problem.line}: {problem.text}"


def test_a_node_with_everything(write: Write, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").touch()
    (node,) = nodes(
        write("""
        <arg name="level" default="warn"/>
        <node pkg="demo" exec="talker" name="talker" namespace="robot" output="screen"
              respawn="true" respawn_delay="0.5" on_exit="shutdown"
              args="--fast 'two words' $(var level)" ros_args="--log-level $(var level)">
          <param from="$(dirname)/p.yaml"/>
          <param name="rate" value="10.0"/>
          <param name="text" value="1" type="str"/>
          <param name="group"><param name="inner"><param name="x" value="[1, 2]"/></param></param>
          <remap from="~/in" to="/out"/>
          <env name="LEVEL" value="$(var level)"/>
        </node>""")
    )
    assert node.full_name == "/robot/talker"
    assert node.arguments == ("--fast", "two words", "warn")
    assert node.parameters == (
        ParameterFile(tmp_path / "p.yaml"),
        Parameter("rate", 10.0),
        Parameter("text", "1"),
        Parameter("group.inner.x", [1, 2]),
    )
    assert node.environment == {"LEVEL": "warn"}
    assert (node.output, node.respawn, node.respawn_delay, node.required) == (
        "screen", True, 0.5, True,
    )  # fmt: skip
    assert words(node) == [
        "--log-level", "warn", "-r", "__node:=talker", "-r", "__ns:=/robot",
        "--params-file", str(tmp_path / "p.yaml"), "-p", "rate:=10.0", "-p", 'text:="1"',
        "-p", "group.inner.x:=[1, 2]", "-r", "~/in:=/out",
    ]  # fmt: skip


def test_a_bare_node_keeps_the_names_in_its_code(write: Write) -> None:
    (node,) = nodes(write('<node pkg="demo" exec="talker"/>'))
    assert node.full_name is None
    assert words(node) == []
    assert (node.output, node.respawn, node.required) == ("log", False, False)


def test_a_substitution_with_spaces_stays_one_word(write: Write) -> None:
    file = write(
        '<arg name="a" default="x y"/>'
        "<node pkg='demo' exec='talker' args='--a=$(var a) $(var a)  z'/>"
    )
    assert nodes(file)[0].arguments == ("--a=x y", "x y", "z")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<push_ros_namespace namespace="a"/>{}', "/a/t"),
        ('<push-ros-namespace namespace="/a/"/>{}', "/a/t"),
        ('<push_ros_namespace namespace="a"/><push_ros_namespace namespace="b"/>{}', "/a/b/t"),
        ('<group><push_ros_namespace namespace="a"/></group>{}', "/t"),
        ('<group scoped="false"><push_ros_namespace namespace="a"/></group>{}', "/a/t"),
        ('<push_ros_namespace namespace="/"/>{}', "/t"),
    ],
)
def test_namespaces_are_pushed(write: Write, content: str, expected: str) -> None:
    assert names(write(content.format(TALKER.format("t")))) == [expected]


def test_a_nodes_namespace_is_joined_unless_absolute(write: Write) -> None:
    file = write(
        '<push_ros_namespace namespace="a"/>'
        '<node pkg="demo" exec="talker" name="t" namespace="b"/>'
        '<node pkg="demo" exec="talker" name="t" namespace="/b"/>'
        '<node pkg="demo" exec="talker" name="t" namespace=""/>'
    )
    assert names(file) == ["/a/b/t", "/b/t", "/a/t"]


@pytest.mark.parametrize(("value", "expected"), [("true", "/a"), ("0", "/b"), (" True ", "/a")])
def test_conditions_choose(write: Write, value: str, expected: str) -> None:
    file = write(
        f'<arg name="c"/><group if="$(var c)">{TALKER.format("a")}</group>'
        f'<group unless="$(var c)">{TALKER.format("b")}</group>'
    )
    assert names(file, c=value) == [expected]


def test_groups_keep_their_variables_and_environment(write: Write) -> None:
    file = write("""
    <let name="x" value="out"/> <set_env name="X" value="out"/>
    <group>
      <let name="x" value="in"/> <set_env name="X" value="in"/>
      <node pkg="demo" exec="talker" name="$(var x)"/>
    </group>
    <node pkg="demo" exec="talker" name="$(env X)"/>""")
    inner, outer = nodes(file)
    assert (inner.full_name, inner.environment) == ("/in", {"X": "in"})
    assert (outer.full_name, outer.environment) == ("/out", {"X": "out"})


def test_env_sees_the_environment_of_the_launcher(write: Write) -> None:
    file = write('<node pkg="demo" exec="talker" name="$(env WHO nobody)"/>')
    assert [node.full_name for node in nodes(file, {"WHO": "me"})] == ["/me"]
    assert [node.full_name for node in nodes(file, {"OTHER": ""})] == ["/nobody"]


def test_a_variable_of_the_user_wins_over_the_files(write: Write) -> None:
    """How a launch file sets our DDS profile under ros2 launch, too."""
    file = write(
        '<set_env name="P" value="$(env P $(find-pkg-share snn_ros)/config/x.xml)"/>'
        '<node pkg="demo" exec="talker"/>'
    )
    (node,) = nodes(file)
    assert node.environment["P"].endswith("/config/x.xml")
    (node,) = nodes(file, {"P": "/mine.xml"})
    assert node.environment["P"] == "/mine.xml"


class TestArguments:
    def test_the_given_value_wins_over_the_default(self, write: Write) -> None:
        file = write(f'<arg name="n" default="d"/>{TALKER.format("$(var n)")}')
        assert names(file) == ["/d"]
        assert names(file, n="g") == ["/g"]

    def test_they_are_listed_with_default_description_and_choices(self, write: Write) -> None:
        file = write("""
        <arg name="a" default="$(env X)" description="first"/>
        <group if="false"><arg name="b"><choice value="1"/><choice value="2"/></arg></group>""")
        first, second = read_arguments(file)
        assert (first.default, first.description) == ("$(env X)", "first")
        assert (second.default, second.choices) == (None, ("1", "2"))

    @pytest.mark.parametrize(
        ("given", "parts"),
        [
            ({}, ["argument 'mode' must be given (fast or slow)"]),
            ({"mode": "fats"}, ["'fats', not one of fast, slow"]),
            (
                {"moed": "fast"},
                [
                    "no argument 'moed'; declared are mode, rate; did you mean 'mode'?",
                    "'mode' must",
                ],
            ),
        ],
    )
    def test_wrong_ones_are_all_named(
        self, write: Write, given: dict[str, str], parts: list[str]
    ) -> None:
        file = write("""
        <arg name="mode" description="fast or slow">
          <choice value="fast"/> <choice value="slow"/>
        </arg>
        <arg name="rate" default="1"/>""")
        with pytest.raises(LaunchArgumentError) as caught:
            load(file, given, {})
        assert all(part in str(caught.value) for part in parts)


class TestIncludes:
    def test_arguments_are_passed_and_dirname_is_the_included_files(
        self, write: Write, tmp_path: Path
    ) -> None:
        write(
            f'<arg name="n"/>{TALKER.format("$(var n)")}'
            '<node pkg="demo" exec="talker"><param name="d" value="$(dirname)"/></node>',
            "inner.launch.xml",
        )
        file = write(
            '<arg name="m" default="x"/><include file="$(dirname)/inner.launch.xml">'
            '<arg name="n" value="$(var m)1"/></include>'
        )
        first, second = nodes(file)
        assert first.full_name == "/x1"
        assert second.parameters == (Parameter("d", str(tmp_path)),)

    def test_the_same_file_twice(self, write: Write) -> None:
        write(f'<arg name="n"/>{TALKER.format("$(var n)")}', "inner.launch.xml")
        one = '<include file="$(dirname)/inner.launch.xml"><arg name="n" value="{}"/></include>'
        assert names(write(one.format("a") + one.format("b"))) == ["/a", "/b"]

    def test_an_argument_that_is_not_passed_but_set_is_an_error(self, write: Write) -> None:
        """ros2 launch would silently take the outer file's value."""
        write('\n<arg name="n" default="inner"/>', "inner.launch.xml")
        file = write('<arg name="n" default="outer"/><include file="$(dirname)/inner.launch.xml"/>')
        assert "inner.launch.xml:3: argument 'n' would take the value 'outer'" in refused(file)

    def test_changing_a_variable_of_the_outer_file_is_an_error(self, write: Write) -> None:
        """To ros2 launch an include has no scope of its own."""
        write('<arg name="n"/>', "inner.launch.xml")
        include = '<include file="$(dirname)/inner.launch.xml"><arg name="n" value="in"/></include>'
        outer = '<arg name="n" default="out"/>\n{}' + TALKER.format("$(var n)")
        assert ":3: the included file changes n of this file" in refused(
            write(outer.format(include))
        )
        assert names(write(outer.format(f"<group>{include}</group>"))) == ["/out"]

    def test_a_namespace_that_escapes_the_included_file_is_an_error(self, write: Write) -> None:
        write('<push_ros_namespace namespace="a"/>', "inner.launch.xml")
        file = write('<include file="$(dirname)/inner.launch.xml"/>')
        assert ":2: the included file changes ros_namespace" in refused(file)

    @pytest.mark.parametrize(
        ("include", "part"),
        [
            ('<include file="$(dirname)/none.launch.xml"/>', ":2: file: no file"),
            ('<include file="/bin/true"/>', ":2: file: '/bin/true' is no XML launch file"),
            (f'<include file="{"x" * 5000}.xml"/>', ":2: file: no file"),
            ('<include file="$(dirname)/test.launch.xml"/>', "more than 20 deep"),
            (
                '<include file="$(dirname)/inner.launch.xml"><arg name="nn" value="1"/></include>',
                ":2: inner.launch.xml has no argument 'nn'; declared are n",
            ),
            (
                '<include file="$(dirname)/inner.launch.xml">\n<arg name="n" value="$(dirname)"/>'
                "</include>",
                ":3: $(dirname) here is the folder of the included file",
            ),
            (
                '<include file="$(dirname)/inner.launch.xml"/>',
                "inner.launch.xml:2: argument 'n' must be given",
            ),
        ],
    )
    def test_wrong_ones_are_refused_with_file_and_line(
        self, write: Write, include: str, part: str
    ) -> None:
        write('<arg name="n"/>', "inner.launch.xml")
        assert part in refused(write(include))

    def test_a_problem_in_the_included_file_names_that_file(self, write: Write) -> None:
        write("\n\n<nodes/>", "inner.launch.xml")
        file = write('<include file="$(dirname)/inner.launch.xml"/>')
        assert "inner.launch.xml:4: <launch> has no element <nodes>" in refused(file)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (TALKER.format("$(var x)"), "name: variable 'x' is not set"),
        (TALKER.format("1a"), "name: '1a' is no node name"),
        (TALKER.format(""), "name: '' is no node name"),
        (
            '<node pkg="demo" exec="talker" namespace="a//b c"/>',
            "namespace: '/a/b c' is not made of names",
        ),
        ('<push_ros_namespace namespace="1"/>', "namespace: '/1' is not made of names"),
        ('<group if="maybe"/>', "if: 'maybe' is neither true, 1, false nor 0"),
        ('<node pkg="demo" exec="talker" unless=""/>', "unless: '' is neither"),
        ('<node pkg="demo" exec="talker" respawn="2"/>', "respawn: '2' is no bool"),
        ('<node pkg="demo" exec="talker" output="tty"/>', "output: 'tty' is not one of"),
        ("<node pkg='demo' exec='talker' args='\"open'/>", "args: No closing quotation"),
        (
            '<node pkg="demo" exec="talker"><param from="/none.yaml"/></node>',
            "from: no file '/none.yaml'",
        ),
        (
            '<node pkg="demo" exec="talker"><param name="a" value="{b: 1}"/></node>',
            "parameter 'a': '{b: 1}' is neither a bool, a number",
        ),
        (
            '<node pkg="demo" exec="talker"><param name="a b" value="1"/></node>',
            "name: 'a b' is no parameter name",
        ),
        (
            '<node pkg="demo" exec="talker"><remap from="a" to="b c"/></node>',
            "'b c' is no topic or service name",
        ),
        (
            '<node pkg="demo" exec="talker"><param name="a" value="1"/><param from="f"/></node>',
            "<param from> must come before every <param name>",
        ),
        ('<let name="a" value="1"/><arg name="a" default="2"/>', "would take the value '1'"),
        ('<let name="a" value="$(find-pkg-share nowhere)"/>', "value: no package 'nowhere'"),
        ('<group if="false"><nodes/></group>', "<group> has no element <nodes>"),
    ],
)
def test_values_that_are_not_allowed_are_refused_with_file_and_line(
    write: Write, content: str, part: str
) -> None:
    message = refused(write("\n" + content))
    assert message.startswith("test.launch.xml:3: ")
    assert part in message


def test_a_branch_not_taken_needs_no_values(write: Write) -> None:
    assert nodes(write('<node pkg="demo" exec="$(var missing)" if="false"/>')) == []
