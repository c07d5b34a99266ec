"""The regression suite as shipped: every entry over DDS keeps its bounds."""

import json

from snn_ros.cli import main


def test_the_shipped_suite_keeps_its_bounds(figures, tmp_path, ros_domain):
    code = main(["suite", "run", "--output", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    figures.update(scores=report["scores"], entries=report["entries"])
    assert [e["problems"] for e in report["entries"].values() if e["problems"]] == []
    assert code == 0
