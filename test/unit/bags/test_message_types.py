"""Definitions of installed packages, found by AMENT_PREFIX_PATH without ROS."""

import os

import pytest

from snn_ros.bags.errors import UnknownType
from snn_ros.bags.message_types import extended, require, standard_types


@pytest.fixture
def types():
    """A store of its own: the shared one must not learn the types of these tests."""
    return extended(standard_types(), {})


@pytest.fixture
def install(tmp_path, monkeypatch):
    def add(prefix: str, package: str, **definitions: str) -> None:
        folder = tmp_path / prefix / "share" / package / "msg"
        folder.mkdir(parents=True)
        for name, text in definitions.items():
            (folder / f"{name}.msg").write_text(text)

    prefixes = [str(tmp_path / name) for name in ("over", "under")]
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(prefixes))
    return add


def test_a_type_and_what_it_uses(install, types):
    install("under", "robot_msgs", Arm="part_msgs/Joint[] joints\nstd_msgs/Header header\n")
    install("under", "part_msgs", Joint="float64 angle\nLimit[2] limits\n", Limit="float32 value\n")
    require(types, "robot_msgs/msg/Arm")
    joint, limit = types.types["part_msgs/msg/Joint"], types.types["part_msgs/msg/Limit"]
    header = types.types["std_msgs/msg/Header"](
        types.types["builtin_interfaces/msg/Time"](1, 2), "f"
    )
    arm = types.types["robot_msgs/msg/Arm"]([joint(0.5, [limit(1.0), limit(2.0)])], header)
    cdr = types.serialize_cdr(arm, "robot_msgs/msg/Arm")
    assert types.deserialize_cdr(cdr, "robot_msgs/msg/Arm") == arm


def test_the_first_prefix_wins(install, types):
    install("over", "robot_msgs", Arm="float64 new\n")
    install("under", "robot_msgs", Arm="float64 old\n")
    require(types, "robot_msgs/msg/Arm")
    assert [name for name, _ in types.fielddefs["robot_msgs/msg/Arm"][1]] == ["new"]


def test_a_missing_part_is_named(install, types):
    install("over", "robot_msgs", Arm="part_msgs/Joint[] joints\n")
    with pytest.raises(UnknownType, match="part_msgs/msg/Joint"):
        require(types, "robot_msgs/msg/Arm")


def test_a_name_that_is_none(types):
    with pytest.raises(UnknownType, match="nonsense"):
        require(types, "nonsense")
