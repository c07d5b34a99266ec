"""Find out why it does not work here.

Looks at Python, ROS, DDS settings, shared memory, sockets, discovery, threads, renderer, weights
and the nodes that run now, sends real clouds between two processes, and says for each what to do.

Example:
  snn-ros doctor
  snn-ros doctor --quick --json -
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter

from snn_ros import machine as this_machine
from snn_ros.cli import DONE, FAILED
from snn_ros.cli.checks import graph, machine, software, transport
from snn_ros.cli.checks.findings import FAIL, OK, WARN, Check, Finding
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.ros import shared_memory

_COLOURS = {OK: 32, WARN: 33, FAIL: 31}  # of ANSI terminals


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--quick", action="store_true", help="leave out the measurement between two processes"
    )
    parser.add_argument(
        "--clean",
        action="store_true",
        help="delete shared memory that killed processes left behind",
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at everything.

    Returns:
        1 if something fails, else 0.
    """
    quiet = arguments.json == "-"
    if arguments.clean:
        freed = shared_memory.remove_stale()
        if not quiet:
            print(f"freed {freed >> 20} MB of shared memory")
    findings: list[tuple[Check, Finding]] = []
    for check in _checks(arguments.quick):
        for finding in check.findings():
            findings.append((check, finding))
            if not quiet:
                print(_line(check, finding), flush=True)
    counts = Counter(finding.status for _, finding in findings)
    if arguments.json:
        figures = {
            "checks": [
                {"name": check.name, **dataclasses.asdict(finding)} for check, finding in findings
            ],
            "scores": {status: counts[status] for status in (OK, WARN, FAIL)},
            "machine": this_machine.describe(),
        }
        write_json(figures, arguments.json)
    if not quiet:
        print(f"{counts[OK]} ok, {counts[WARN]} warnings, {counts[FAIL]} failures")
    return FAILED if counts[FAIL] else DONE


def _checks(quick: bool) -> list[Check]:
    checks = [*software.CHECKS, *machine.CHECKS, *transport.CHECKS, *graph.CHECKS]
    return checks if quick else [*checks, *transport.SLOW_CHECKS]


def _line(check: Check, finding: Finding) -> str:
    status = f"{finding.status:4}"
    if sys.stdout.isatty():
        status = f"\033[{_COLOURS[finding.status]}m{status}\033[0m"
    remedy = f"\n{'':22}-> {finding.remedy}" if finding.remedy else ""
    return f"{status}  {check.name:15} {finding.text}{remedy}"
