"""Make the regression suite, or run it: simulated worlds through real nodes over DDS, with bounds.

make records the drives of the suite's file; what is there already, of the same scenario and the
same code, is kept. run makes what is missing, replays or flies each entry, scores it, and writes
report.html and report.json. It fails if a score breaks a bound.

Example:
  snn-ros suite make
  snn-ros suite run street_sensors blimp_step --json -
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from snn_ros.cli import DONE
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.cli.own_domain import use_own_domain
from snn_ros.cli.regression.entries import chosen, load_suite
from snn_ros.cli.regression.recordings import Made, SuiteNotWritten, make, planned
from snn_ros.cli.regression.reports import Verdict, figures, judged, write_page
from snn_ros.cli.regression.scorers import SCORERS
from snn_ros.errors import SnnRosError
from snn_ros.packages import OWN_PACKAGE, share_directory


class BoundsBroken(SnnRosError):
    """Entries of the suite failed."""

    def __init__(self, failed: Iterable[Verdict]) -> None:
        reasons = (f"{v.made.entry.name}: {problem}" for v in failed for problem in v.problems)
        super().__init__("; ".join(reasons))


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=("make", "run"))
    parser.add_argument("entries", nargs="*", metavar="ENTRY", help="only these")
    parser.add_argument("--suite", type=Path, metavar="FILE", help="default: config/suite.yaml")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build/suite"),
        metavar="DIR",
        help="folder of recordings and report (default: build/suite)",
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make, and where asked run and report."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = share_directory(OWN_PACKAGE) / "config"
    suite = arguments.suite or config / "suite.yaml"
    plans = [
        planned(entry, config / "scenarios", arguments.output)
        for entry in chosen(load_suite(suite, SCORERS), arguments.entries)
    ]
    kept = [plan.entry.name for plan in plans if plan.done]
    for plan in plans:
        if not plan.done:
            _make(plan)
    if arguments.action == "make":
        return _tell_made(plans, kept, arguments.json)
    use_own_domain()
    verdicts = [_judge(plan) for plan in plans]
    found = figures(suite, verdicts)
    try:
        write_json(found, str(arguments.output / "report.json"))
        write_page(arguments.output / "report.html", verdicts)
    except OSError as err:
        raise SuiteNotWritten(arguments.output, err) from err
    if arguments.json != "-":
        for verdict in verdicts:
            print("  ".join(map(str, verdict.row())))
        print(arguments.output / "report.html")
    if arguments.json:
        write_json(found, arguments.json)
    if failed := [verdict for verdict in verdicts if verdict.problems]:
        raise BoundsBroken(failed)
    return DONE


def _make(plan: Made) -> None:
    progress = tqdm(total=plan.scenario.duration, unit="s", desc=plan.entry.name, disable=None)
    with progress:
        make(plan, progress.update)


def _judge(plan: Made) -> Verdict:
    """Run one entry; what goes wrong in it stays with it."""
    began = time.monotonic()
    print(f"running {plan.entry.name}", file=sys.stderr)
    try:
        outcome = SCORERS[plan.entry.scorer](plan)
    except SnnRosError as err:
        return Verdict(plan, None, (str(err),), time.monotonic() - began)
    return judged(plan, outcome, time.monotonic() - began)


def _tell_made(plans: list[Made], kept: list[str], target: str | None) -> int:
    if target != "-":
        for plan in plans:
            print(f"{'kept' if plan.entry.name in kept else 'made'}  {plan.folder}")
    if target:
        folders = {plan.entry.name: str(plan.folder) for plan in plans}
        write_json({"folders": folders, "kept": kept}, target)
    return DONE
