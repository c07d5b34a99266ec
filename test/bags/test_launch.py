"""``snn-ros replay BAG --launch``: wait for the nodes, play, stop them after their last answer."""

from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from support.bags import IMAGE, RANGE, READINGS, write_mcap
from support.replay import Replay

FIXTURES = Path(__file__).parent / "launch_fixtures"


@pytest.fixture
def launch_file(tmp_path, monkeypatch) -> Path:
    """A launch file with one node of the package ``fixtures``."""
    prefix = tmp_path / "prefix"
    marker = prefix / "share/ament_index/resource_index/packages/fixtures"
    marker.parent.mkdir(parents=True)
    marker.touch()
    (prefix / "lib").mkdir()
    (prefix / "lib/fixtures").symlink_to(FIXTURES)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix))
    path = tmp_path / "slow.launch.xml"
    path.write_text(
        '<launch><arg name="topic"/><arg name="record"/><arg name="delay" default="0.5"/>'
        '<node pkg="fixtures" exec="slow_node.py" name="slow" output="screen">'
        '<param name="topic" value="$(var topic)"/><param name="record" value="$(var record)"/>'
        '<param name="delay" value="$(var delay)"/></node></launch>'
    )
    return path


@pytest.fixture
def replay(tmp_path, launch_file):
    """Replay readings at 20 Hz with the launch file and arguments for it."""
    started = []

    def start(*arguments: str, options: Sequence[str] = ()) -> Replay:
        launch = ["--launch", str(launch_file), f"record:={tmp_path / 'record'}", *arguments]
        started.append(Replay(write_mcap(tmp_path / "bag"), *options, *launch))
        return started[-1]

    yield start
    for process in started:
        process.close()


def node_runs() -> bool:
    """Whether a process still executes the fixture's node."""
    commands = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return any(word.endswith("fixtures/slow_node.py") for command in commands for word in command)


def test_every_reading_is_answered(replay, tmp_path):
    figures = replay(f"topic:={RANGE}", options=["--reliable"]).figures()
    assert figures["finished"]
    assert figures["topics"][RANGE]["published"] == READINGS
    assert (tmp_path / "record").read_text() == str(READINGS)
    assert not node_runs()


def test_the_wait_for_answers_is_as_long_as_asked(replay, tmp_path):
    """Answers come 6 s late: with the usual wait the node is stopped before."""
    replay(f"topic:={RANGE}", "delay:=6.0", options=["--reliable"]).figures()
    assert (tmp_path / "record").read_text() == "0"


def test_remap_leads_to_the_node(replay, tmp_path):
    options = ["--reliable", "--remap", f"{RANGE}:=/altitude"]
    replay("topic:=/altitude", options=options).figures()
    assert (tmp_path / "record").read_text() == str(READINGS)


def test_nodes_that_listen_to_something_else(replay):
    error = replay("topic:=/altitude").error()
    assert "/slow subscribe to /altitude" in error
    assert f"the recording has {IMAGE}, {RANGE}, /tf_static (rename topics with --remap)" in error
    assert not node_runs()


def test_nodes_that_ask_for_more_than_was_recorded(replay):
    """RANGE was recorded best effort, the node subscribes reliably."""
    error = replay(f"topic:={RANGE}").error()
    assert f"{RANGE}: recorded best effort, but subscribed to reliably" in error
    assert not node_runs()


@pytest.mark.parametrize("argument", ["nonsense", "depth:=3"])
def test_wrong_launch_arguments(replay, argument):
    assert argument.split(":=")[0] in replay(f"topic:={RANGE}", argument).error()
