"""The part of the demo in which the LiDAR detector hears a recorded street."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from snn_ros import machine
from snn_ros.cli.regression.entries import SuiteEntry
from snn_ros.cli.regression.outcome import Outcome
from snn_ros.cli.regression.recordings import Made, make, planned
from snn_ros.cli.regression.scorers import SCORERS
from snn_ros.lidar_detection.training import LOW_SCORE
from snn_ros.lidar_detection.weights import default_path
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.report import Report
from snn_ros.simulation.render import RendererError
from snn_ros.weight_files import WeightsError

SYSTEM, SCENARIO = "lidar_detection", "street_quick"
_DURATION, _QUICK_DURATION = 4.0, 1.0  # s
_RATE = 0.25  # of the replay: player, listener and detector share the machine
_CAMERAS = {"sensors.cameras": "stereo", "sensors.stereo_width": 1242}
_SHOWN = {
    "answered_share": "share of the clouds that were answered",
    "latency_p50_ms": "from cloud to boxes, p50 [ms]",
    "latency_p99_ms": "from cloud to boxes, p99 [ms]",
    "cars_easy_or_moderate": "easy and moderate cars",
    "recall_car_moderate_iou50": "share of them found, 3D IoU 0.5",
    "false_positives_per_frame": "false positives per scan",
    **{
        f"ap_r40_{measure}_{name}_moderate": f"AP {measure}, {name}, moderate [%]"
        for measure in ("3d", "bev")
        for name in ("car", "pedestrian", "cyclist")
    },
}


def watch_street(folder: Path, *, quick: bool) -> Outcome | None:
    """Record a short drive, replay it to the detector's node, and judge what it answers.

    Args:
        folder: of the report.
        quick: a shorter drive, without cameras.

    Returns:
        None where no weights of the detector are shipped.
    """
    try:
        default_path("edge")
    except WeightsError as err:
        print(f"no street: {err}")
        return None
    made = _recorded(folder, quick=quick)
    print(f"replaying {made.scenario.duration:g} s of a street to the LiDAR detector")
    outcome = SCORERS[SYSTEM](made)
    for name, title in _SHOWN.items():
        if math.isfinite(outcome.scores[name]):
            print(f"{outcome.scores[name]:10.4g}  {title}")
    return outcome


def figures_of(outcome: Outcome) -> dict[str, Any]:
    """The figures of the street as every report has them."""
    scores = {name: value for name, value in outcome.scores.items() if math.isfinite(value)}
    latency = {p: scores.pop(f"latency_{p}_ms") for p in ("p50", "p99")}
    return {
        "system": SYSTEM,
        "profile": "edge",
        "input": SCENARIO,
        "scores": scores,
        "latency_ms": latency,
        "machine": machine.describe(),
    }


def write_street(report: Report, outcome: Outcome) -> None:
    """Add the street to the page."""
    report.text(
        "A simulated street is recorded, then its clouds are replayed to the LiDAR detection node "
        "over DDS. True boxes are green, those that the spiking network found orange (cars), pink "
        "(pedestrians) and blue (cyclists). Scores are KITTI's, of what its left camera shows; so "
        "short a drive tells little of average precision."
    )
    if outcome.figure is not None:
        report.figure("A street seen by LiDAR", outcome.figure)
    shown = [(title, f"{outcome.scores[name]:.4g}") for name, title in _SHOWN.items()]
    report.table("What was found", ("figure", "value"), shown)
    report.table("Scan by scan", outcome.columns, outcome.rows)


def _recorded(folder: Path, *, quick: bool) -> Made:
    """The drive, with cameras where they can be rendered."""
    if not quick:
        try:
            return _made(folder, _DURATION, _CAMERAS)
        except RendererError as err:
            print(f"no pictures of the street: {err}")
    return _made(folder, _QUICK_DURATION if quick else _DURATION, {})


def _made(folder: Path, duration: float, changes: dict[str, Any]) -> Made:
    """The drive as an entry of the suite."""
    parameters = folder / "lidar_detection.yaml"
    parameters.write_text(
        "# boxes of low score too, for average precision\n"
        f"/**:\n  ros__parameters:\n    decoding:\n      score_threshold: {LOW_SCORE}\n"
    )
    entry = SuiteEntry(
        name="street",
        scorer=SYSTEM,
        scenario=SCENARIO,
        duration=duration,
        changes=changes,
        launch=SYSTEM,
        arguments=(f"params_file:={parameters.absolute()}",),
        input="/lidar/points",
        output=f"/{SYSTEM}/output/detections",
        output_type="vision_msgs/msg/Detection3DArray",
        rate=_RATE,
    )
    plan = planned(entry, share_directory(OWN_PACKAGE) / "config" / "scenarios", folder)
    if not plan.done:
        make(plan, lambda _seconds: None)
    return plan
