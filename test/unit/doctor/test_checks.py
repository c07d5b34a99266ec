"""Each check finds what it is for, on a machine made up for it."""

import fcntl
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from snn_ros.cli.checks import graph, machine, software, transport
from snn_ros.cli.checks.findings import FAIL, OK, WARN, Check, Finding
from snn_ros.lidar_detection import weights as lidar_weights
from snn_ros.ros import dds, shared_memory


def statuses(findings: Iterable[Finding]) -> list[str]:
    return [finding.status for finding in findings]


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_a_check_that_breaks_is_a_finding() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding(OK, "first")
        raise RuntimeError("no such thing")

    findings = list(Check("x", broken).findings())
    assert statuses(findings) == [OK, FAIL]
    assert "RuntimeError: no such thing" in findings[1].text


class TestSoftware:
    def test_this_environment_is_fine(self) -> None:
        for check in (software.python, software.packages, software.ros, software.messages):
            assert statuses(check()) == [OK], check

    def test_an_old_or_missing_package_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = {"Requires-Dist": ["numpy>=99", "no_such_thing>=1", 'extra>=1; extra == "x"']}
        monkeypatch.setattr(software, "_own_metadata", lambda: wanted)
        finding = only(software.packages())
        assert finding.status == FAIL
        assert "not >=99" in finding.text
        assert "no_such_thing is missing" in finding.text
        assert "extra" not in finding.text
        assert finding.remedy

    def test_another_python_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(software, "_own_metadata", lambda: {"Requires-Python": ["<3"]})
        assert only(software.python()).status == FAIL

    def test_messages_not_built_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "tf2_msgs.msg", None)
        finding = only(software.messages())
        assert finding.status == FAIL
        assert "tf2_msgs.msg" in finding.text

    def test_prefixes_that_are_gone_are_named(self, tmp_path: Path) -> None:
        path = f"{tmp_path}:/nowhere"
        assert "/nowhere" in only(software.prefix_path({"AMENT_PREFIX_PATH": path})).text
        assert only(software.prefix_path({"AMENT_PREFIX_PATH": str(tmp_path)})).status == OK
        assert only(software.prefix_path({})).status == OK


class TestMachine:
    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({}, [OK]),
            ({"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}, [OK]),
            ({"OMP_NUM_THREADS": "9999"}, [WARN]),
            ({"OMP_WAIT_POLICY": "active"}, [WARN]),
            ({"OMP_NUM_THREADS": "9999", "OMP_WAIT_POLICY": "ACTIVE"}, [WARN, WARN]),
        ],
    )
    def test_threads(self, environment: dict[str, str], expected: list[str]) -> None:
        assert statuses(machine.threads(environment)) == expected

    def test_clock(self) -> None:
        assert only(machine.clock()).status == OK
        assert only(machine.clock(wall=lambda: 1000.0)).status == FAIL
        jumping = iter([2e9, 2e9 + 5.0])
        assert only(machine.clock(wall=lambda: next(jumping))).status == WARN


class TestProfile:
    def test_nothing_set_is_fine(self) -> None:
        assert only(transport.profile({})).status == OK

    def test_a_profile_that_cannot_be_read_fails(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.xml"
        broken.write_text("<dds>")
        for file in (broken, tmp_path / "none.xml"):
            finding = only(transport.profile({dds.PROFILE_VARIABLES[0]: str(file)}))
            assert finding.status == FAIL
            assert str(file) in finding.text

    def test_large_data_is_warned_of(self) -> None:
        finding = only(transport.profile({dds.TRANSPORTS_VARIABLE: "LARGE_DATA?x=1"}))
        assert finding.status == WARN


class TestDiscovery:
    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({}, OK),
            ({"ROS_DOMAIN_ID": "", "ROS_AUTOMATIC_DISCOVERY_RANGE": ""}, OK),
            ({"ROS_DOMAIN_ID": "42", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, OK),
            ({"ROS_DOMAIN_ID": "150"}, WARN),
            ({"ROS_DOMAIN_ID": "233"}, FAIL),
            ({"ROS_DOMAIN_ID": "robot"}, FAIL),
            ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "HOST"}, FAIL),
            ({"ROS_LOCALHOST_ONLY": "1"}, WARN),
        ],
    )
    def test_variables(self, environment: dict[str, str], expected: str) -> None:
        finding = only(transport.discovery(environment))
        assert finding.status == expected
        assert (finding.remedy == "") == (expected == OK)

    def test_small_socket_buffers_are_warned_of(self, tmp_path: Path) -> None:
        (tmp_path / "wmem_max").write_text("8388608\n")
        (tmp_path / "rmem_max").write_text("212992\n")
        finding = only(transport.sockets(tmp_path))
        assert finding.status == WARN
        assert "rmem_max=4194304" in finding.remedy
        assert "wmem_max" not in finding.remedy
        (tmp_path / "rmem_max").write_text("8388608\n")
        assert only(transport.sockets(tmp_path)).status == OK

    def test_no_multicast_is_warned_of(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "_multicast_echo", lambda: False)
        assert only(transport.multicast()).status == WARN

        def unreachable() -> bool:
            raise OSError("Network is unreachable")

        monkeypatch.setattr(transport, "_multicast_echo", unreachable)
        assert "Network is unreachable" in only(transport.multicast()).text


class TestSharedMemory:
    """A folder like /dev/shm with one living and one dead segment."""

    LIVE, DEAD = "fastrtps_0123456789abcdef", "fastdds_fedcba9876543210"

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        folder = tmp_path / "shm"
        folder.mkdir()
        for name in (self.LIVE, self.DEAD):
            (folder / name).write_bytes(bytes(549_408))
            (folder / f"{name}_el").touch()
        (folder / "fastrtps_port7400_el").touch()
        (folder / "sem.other").touch()
        with (folder / f"{self.LIVE}_el").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder

    @pytest.fixture
    def processes(self, tmp_path: Path, folder: Path) -> Path:
        """A folder like /proc with one process that owns the living segment."""
        descriptors = tmp_path / "proc" / "4194999" / "fd"
        descriptors.mkdir(parents=True)
        (descriptors / "7").symlink_to(folder / f"{self.LIVE}_el")
        return tmp_path / "proc"

    def test_what_is_locked_is_in_use(self, folder: Path) -> None:
        found = {s.file.name: s.in_use for s in shared_memory.segments(folder)}
        assert found == {self.LIVE: True, self.DEAD: False}

    def test_leftovers_are_found_and_removed(self, folder: Path) -> None:
        finding = only(transport.leftovers(folder))
        assert finding.status == WARN
        assert "1 segments" in finding.text
        assert shared_memory.remove_stale(folder) == 0  # made just now: wait for its lock
        assert shared_memory.remove_stale(folder, age=0.0) == 549_408
        assert only(transport.leftovers(folder)).status == OK
        assert sorted(file.name for file in folder.iterdir()) == [
            self.LIVE, f"{self.LIVE}_el", "fastrtps_port7400_el", "sem.other",
        ]  # fmt: skip

    def test_a_driver_with_default_settings_is_named(self, folder: Path, processes: Path) -> None:
        finding = only(transport.drivers(folder, processes))
        assert finding.status == WARN
        assert "(4194999): with 0.5 MB of shared memory" in finding.text
        assert dds.DRIVER_TRANSPORTS in finding.remedy

    def test_a_process_with_our_profile_is_not(self, folder: Path, processes: Path) -> None:
        with (folder / self.LIVE).open("wb") as file:
            file.truncate(dds.SEGMENT_BYTES)
        assert only(transport.drivers(folder, processes)).status == OK

    def test_a_full_or_missing_folder_is_found(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = SimpleNamespace(total=64 << 20, used=0, free=63 << 20)
        monkeypatch.setattr(transport.shutil, "disk_usage", lambda _: usage)
        assert only(transport.memory(folder)).status == WARN
        usage.free = 65 << 20
        assert only(transport.memory(folder)).status == OK
        assert only(transport.memory(folder / "none")).status == FAIL


class TestGraph:
    @staticmethod
    def end(name: str, **qos: object) -> SimpleNamespace:
        profile = QoSProfile(depth=1, **qos)
        return SimpleNamespace(node_namespace="/", node_name=name, qos_profile=profile)

    def examine(
        self, publishers: list, subscriptions: list, kind: str = "x/msg/Y"
    ) -> list[Finding]:
        return list(graph.examine(graph.Topic("/t", kind, tuple(publishers), tuple(subscriptions))))

    def test_what_fits_is_not_mentioned(self) -> None:
        assert self.examine([self.end("a")], [self.end("b")]) == []

    def test_an_input_that_nobody_publishes_is_named(self) -> None:
        finding = only(self.examine([], [self.end("b"), self.end("a")]))
        assert finding.status == WARN
        assert "nobody publishes /t, which /a, /b wants" in finding.text

    @pytest.mark.parametrize(
        ("offered", "asked"),
        [
            (
                {"reliability": ReliabilityPolicy.BEST_EFFORT},
                {"reliability": ReliabilityPolicy.RELIABLE},
            ),
            (
                {"durability": DurabilityPolicy.VOLATILE},
                {"durability": DurabilityPolicy.TRANSIENT_LOCAL},
            ),
        ],
    )
    def test_a_mismatch_is_named(self, offered: dict, asked: dict) -> None:
        finding = only(self.examine([self.end("a", **offered)], [self.end("b", **asked)]))
        assert finding.status == WARN
        assert "/a offers is not what /b asks for" in finding.text

    def test_large_messages_taken_best_effort_though_offered_reliably_are_mentioned(self) -> None:
        ends = (
            [self.end("a", reliability=ReliabilityPolicy.RELIABLE)],
            [self.end("b", reliability=ReliabilityPolicy.BEST_EFFORT)],
        )
        assert self.examine(*ends) == []
        assert only(self.examine(*ends, "sensor_msgs/msg/PointCloud2")).status == OK


def test_shipped_weights_are_checked_and_damage_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert set(statuses(software.weights())) == {OK}
    damaged = tmp_path / "lidar_detection_edge.safetensors"
    whole = lidar_weights.default_path("edge")
    damaged.write_bytes(whole.read_bytes()[:-1])
    damaged.with_suffix(".json").write_bytes(whole.with_suffix(".json").read_bytes())
    monkeypatch.setattr(lidar_weights, "default_path", lambda _profile: damaged)
    (found,) = (finding for finding in software.weights() if finding.status == FAIL)
    assert "lidar_detection edge" in found.text
    assert "sha256" in found.text
