"""Python, the packages we need, ROS, our messages, our weights."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from snn_ros.cli.checks.findings import FAIL, OK, WARN, Check, Finding
from snn_ros.errors import SnnRosError

_DISTRIBUTIONS = {7: "jazzy", 9: "kilted"}  # of rclpy's major version
_INSTALL = "make env, or pip install -e . in the Python environment you use"
_BUILD = "make env builds them; on a robot colcon build and source install/setup.bash"
_CORE = ("numpy", "torch", "numba", "mujoco", "rosbags")
_GRAPHICS_EXTRAS = ("spconv-cu120", "spconv-cu126")


def python() -> Iterable[Finding]:
    """Whether this Python is one we are made for."""
    wanted = SpecifierSet(_own_metadata().get("Requires-Python", [">=3.10"])[0])
    version = Version("{}.{}.{}".format(*sys.version_info[:3]))
    text = f"{version}, {sys.executable}"
    if version in wanted:
        yield Finding(OK, text)
    else:
        yield Finding(FAIL, f"{text}: not {wanted}", "install such a Python, then make env")


def packages() -> Iterable[Finding]:
    """Whether the packages we need are there, in versions that we work with."""
    requirements = [Requirement(text) for text in _own_metadata().get("Requires-Dist", _CORE)]
    problems = [problem for r in requirements if r.marker is None for problem in _missing(r)]
    if problems:
        yield Finding(FAIL, "; ".join(problems), _INSTALL)
    else:
        yield Finding(OK, ", ".join(f"{name} {_version(name)}" for name in _CORE))


def graphics_card() -> Iterable[Finding]:
    """What torch can compute on."""
    torch = importlib.import_module("torch")
    extra = [f"{name} {_version(name)}" for name in _GRAPHICS_EXTRAS if _version(name)]
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        yield Finding(OK, ", ".join([f"{name}, CUDA {torch.version.cuda}", *extra]))
    else:
        yield Finding(OK, "none that torch can use; everything runs on the processor")


def ros() -> Iterable[Finding]:
    """Whether ROS is there, and which."""
    try:
        rclpy = importlib.import_module("rclpy")
        implementation = rclpy.get_rmw_implementation_identifier()
    except Exception as err:  # noqa: BLE001 - a half-installed ROS fails in many ways
        yield Finding(
            FAIL,
            f"rclpy cannot be imported: {err}",
            "pip install -r requirements/ros.txt, or source /opt/ros/jazzy/setup.bash",
        )
        return
    version = _version("ros-rclpy") or _version("rclpy")
    guess = _DISTRIBUTIONS.get(Version(version).major if version else 0, "unknown distribution")
    text = f"rclpy {version}, {os.environ.get('ROS_DISTRO', guess)}, {implementation}"
    if "fastrtps" in implementation:
        yield Finding(OK, text)
    else:
        yield Finding(WARN, f"{text}: our DDS profile is for Fast DDS only", "see docs/dds.md")


def messages() -> Iterable[Finding]:
    """Whether the messages that we build are there."""
    for package in ("snn_ros", "vision_msgs", "tf2_msgs"):
        try:
            importlib.import_module(f"{package}.msg")
        except ImportError as err:
            yield Finding(FAIL, f"{package}.msg cannot be imported: {err}", _BUILD)
            return
    yield Finding(OK, "snn_ros, vision_msgs and tf2_msgs are built")


def prefix_path(environment: Mapping[str, str] = os.environ) -> Iterable[Finding]:
    """Whether ROS looks for packages in folders that exist."""
    entries = [
        entry for entry in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry
    ]
    gone = [entry for entry in entries if not Path(entry).is_dir()]
    if gone:
        yield Finding(
            WARN,
            f"AMENT_PREFIX_PATH names {', '.join(gone)}, which is gone",
            "source setup.bash anew",
        )
    else:
        listed = os.pathsep.join(entries) or f"not set; our nodes take {sys.prefix}"
        yield Finding(OK, listed)


_SHIPPED_WEIGHTS = {
    "blimp_control": ("edge", "paper", "yaw", "surge"),
    "lidar_detection": ("edge",),
}


def weights() -> Iterable[Finding]:
    """Whether the weight files fit their manifests."""
    for system, profiles in _SHIPPED_WEIGHTS.items():
        module = importlib.import_module(f"snn_ros.{system}.weights")
        for profile in profiles:
            try:
                path = module.default_path(profile)
                module.load(path, profile)
            except SnnRosError as err:
                yield Finding(
                    FAIL,
                    f"{system} {profile}: {err}",
                    "take the files in weights/ from the repository again",
                )
            else:
                yield Finding(OK, f"{system} {profile}: {path.name} and its manifest agree")


CHECKS = (
    Check("Python", python),
    Check("packages", packages),
    Check("graphics card", graphics_card),
    Check("ROS", ros),
    Check("messages", messages),
    Check("ROS packages", prefix_path),
    Check("weights", weights),
)


def _own_metadata() -> dict[str, list[str]]:
    """What pip knows of us; nothing after colcon, which installs no such data."""
    try:
        found = metadata.metadata("snn_ros")
    except metadata.PackageNotFoundError:
        return {}
    return {name: found.get_all(name) or [] for name in set(found)}


def _missing(requirement: Requirement) -> Iterator[str]:
    version = _version(requirement.name)
    if not version:
        yield f"{requirement.name} is missing"
    elif Version(version) not in requirement.specifier:
        yield f"{requirement.name} is {version}, not {requirement.specifier}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
