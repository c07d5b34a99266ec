"""``snn-ros suite run`` over DDS: what arrives, and who answers."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from snn_ros.cli import main

FIXTURES = Path(__file__).parent / "fixtures"
DRIVE = {
    "scenario": "street_quick",
    "duration": 1.0,
    "changes": {"sensors.lidar_columns": 256, "layout.length": 80.0, "traffic.vehicles": 2},
}
DELIVERED = [
    {"score": "arrived_share", "minimum": 1.0},
    {"score": "altered", "maximum": 0},
    {"score": "backward_stamps", "maximum": 0},
    {"score": "silent_topics", "maximum": 0},
]


@pytest.fixture
def null_node(tmp_path, monkeypatch) -> Path:
    """Launch file of a node that sends each cloud back; ``topic`` is where it listens."""
    prefix = tmp_path / "prefix"
    marker = prefix / "share/ament_index/resource_index/packages/fixtures"
    marker.parent.mkdir(parents=True)
    marker.touch()
    executable = prefix / "lib/fixtures/null_perception_node.py"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!{sys.executable}\n{(FIXTURES / executable.name).read_text()}")
    executable.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix))
    path = tmp_path / "null.launch.xml"
    path.write_text(
        '<launch><arg name="topic"/>'
        '<node pkg="fixtures" exec="null_perception_node.py" name="null" output="screen">'
        '<remap from="~/input/points" to="$(var topic)"/></node></launch>'
    )
    return path


def run_suite(tmp_path: Path, capsys, *entries: dict) -> tuple[int, dict, str]:
    """Exit code, figures and what was said."""
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump({"entries": list(entries)}))
    words = ["--suite", str(file), "--output", str(tmp_path / "out"), "--json", "-"]
    code = main(["suite", "run", *words])
    output = capsys.readouterr()
    return code, json.loads(output.out), output.err


def test_a_drive_arrives_and_is_answered(tmp_path, capsys, null_node) -> None:
    answered = {
        "launch": str(null_node),
        "arguments": ["topic:=/lidar/points"],
        "input": "/lidar/points",
        "output": "/null/output/points",
        "output_type": "sensor_msgs/msg/PointCloud2",
        "bounds": [
            {"score": "answered_share", "minimum": 1.0},
            {"score": "repeated", "maximum": 0},
            {"score": "foreign_stamps", "maximum": 0},
            {"score": "latency_p50_ms", "maximum": 500.0},
        ],
    }
    code, figures, said = run_suite(
        tmp_path,
        capsys,
        DRIVE | {"name": "arrives", "scorer": "delivery", "bounds": DELIVERED},
        DRIVE | {"name": "answered", "scorer": "answers", **answered},
    )
    assert code == 0, said
    assert figures["scores"]["answered.inputs"] == 10
    assert figures["scores"]["arrives.messages"] > 200
    page = (tmp_path / "out/report.html").read_text()
    assert "/ground_truth/occupancy" in page  # in the table of topics
    assert "arrives at half time" in page


def test_what_goes_wrong_in_the_replay_is_told(tmp_path, capsys) -> None:
    entry = {
        "name": "lost",
        "scorer": "answers",
        "launch": "nowhere",
        "input": "/lidar/points",
        "output": "/null/output/points",
        "output_type": "sensor_msgs/msg/PointCloud2",
    }
    code, figures, said = run_suite(tmp_path, capsys, DRIVE | entry)
    assert code == 1
    assert figures["entries"]["lost"]["problems"][0].startswith("no launch file 'nowhere'")
    assert said.splitlines()[-1].startswith("snn-ros suite: lost: no launch file 'nowhere'")
