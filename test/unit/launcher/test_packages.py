from pathlib import Path

import pytest

from snn_ros.packages import (
    SOURCE_TREE,
    ExecutableNotFoundError,
    PackageNotFoundError,
    find_executable,
    prefixes,
    share_directory,
)
from snn_ros.ros import dds
from snn_ros.ros.launcher.errors import LaunchError
from snn_ros.ros.launcher.run import find_launch_file, node_environment


def test_an_executable_is_found_below_its_prefix(package: dict[str, str]) -> None:
    found = find_executable("demo", "talker", package)
    assert found == Path(package["AMENT_PREFIX_PATH"]) / "lib" / "demo" / "talker"


@pytest.mark.parametrize("name", ["listener", "../demo/talker", "", "."])
def test_a_missing_executable_names_the_folder_and_what_is_there(
    package: dict[str, str], name: str
) -> None:
    with pytest.raises(ExecutableNotFoundError) as caught:
        find_executable("demo", name, package)
    assert f"{package['AMENT_PREFIX_PATH']}/lib/demo (there is talker)" in str(caught.value)


def test_the_python_environment_is_a_prefix_of_its_own() -> None:
    assert prefixes({"AMENT_PREFIX_PATH": "/a:/b:/a:"})[:2] == [Path("/a"), Path("/b")]
    assert len(prefixes({"AMENT_PREFIX_PATH": "/a:/b:/a:"})) == 3
    assert share_directory("rclpy", {}).is_dir()


def test_our_own_files_come_from_the_source_tree() -> None:
    assert SOURCE_TREE is not None
    assert share_directory("snn_ros", {}) == SOURCE_TREE
    with pytest.raises(ExecutableNotFoundError, match="nodes"):
        find_executable("snn_ros", "no_such_node", {})


def test_a_missing_package_is_named() -> None:
    with pytest.raises(PackageNotFoundError, match=r"no package 'nowhere' in /a, "):
        find_executable("nowhere", "x", {"AMENT_PREFIX_PATH": "/a"})


def test_a_launch_file_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert find_launch_file("blimp").name == "blimp.launch.xml"
    (tmp_path / "a.xml").touch()
    assert find_launch_file(tmp_path / "a.xml") == tmp_path / "a.xml"
    assert find_launch_file("blimp.launch.xml") == find_launch_file("blimp")
    with pytest.raises(LaunchError, match="no launch file 'blmp'; in .*launch are .*blimp"):
        find_launch_file("blmp")
    with pytest.raises(LaunchError, match="no launch file"):
        find_launch_file(tmp_path / "b.xml")


class TestEnvironment:
    def test_nodes_get_our_defaults(self) -> None:
        environment = node_environment({"PATH": "/bin"})
        assert environment["PATH"] == "/bin"
        assert environment["OMP_NUM_THREADS"] == "1"
        assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
        assert Path(environment["FASTRTPS_DEFAULT_PROFILES_FILE"]) == dds.profile({})
        assert environment["AMENT_PREFIX_PATH"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("OMP_NUM_THREADS", "4"), ("FASTRTPS_DEFAULT_PROFILES_FILE", "/mine.xml")],
    )
    def test_the_user_wins(self, name: str, value: str) -> None:
        assert node_environment({name: value})[name] == value

    @pytest.mark.parametrize("name", [*dds.PROFILE_VARIABLES, dds.TRANSPORTS_VARIABLE])
    @pytest.mark.parametrize("value", ["", "mine"])
    def test_one_dds_variable_of_the_user_keeps_ours_out(self, name: str, value: str) -> None:
        environment = node_environment({name: value})
        assert environment[name] == value
        assert not set(dds.PROFILE_VARIABLES) - {name} & environment.keys()
