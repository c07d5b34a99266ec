"""The ``snn-ros`` command: one module per sub-command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from snn_ros.errors import SnnRosError

# Each module holds: its docstring (the help text, ending in an example), ``configure(parser)`` and
# ``run(arguments) -> exit code``. It is imported only when asked for, so that help stays quick.
COMMANDS = {
    "launch": "start the nodes of a launch file and watch them",
    "simulate": "run a scenario and keep what its sensors say",
    "replay": "publish a recording over DDS",
    "suite": "make and run the regression suite",
    "convert": "turn a recording into another format",
    "import-weights": "turn a published checkpoint into a weight file",
    "evaluate": "score a system on an input",
    "bench": "measure a system's speed",
    "train": "train a network on simulated drives",
    "evolve": "evolve a spiking controller",
    "learn-places": "teach the places of a route and write a map",
    "doctor": "find out why it does not work here",
    "demo": "fly a simulated blimp, watch a simulated street, write a report",
}

DONE, FAILED, WRONG_CALL = 0, 1, 2
CLOSED_PIPE = 141  # what a shell says of a program that SIGPIPE ended


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"snn_ros.cli.{command.replace('-', '_')}")


def _overview() -> argparse.ArgumentParser:
    """What ``snn-ros`` alone understands: help, and the names of the commands."""
    parser = argparse.ArgumentParser(
        prog="snn-ros", description="Spiking perception and control for ROS 2."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def _run(words: list[str]) -> int:
    if not words or words[0] not in COMMANDS:
        _overview().parse_args(words[:1])  # ends the process: with the help, or with what is wrong
    command = words[0]
    module = _module(command)
    parser = argparse.ArgumentParser(
        prog=f"snn-ros {command}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    arguments = parser.parse_intermixed_args(words[1:])
    try:
        return int(module.run(arguments))
    except SnnRosError as err:
        print(f"snn-ros {command}: {err}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Args:
        argv: the words after ``snn-ros``; those of the process by default.

    Returns:
        0 done, 1 the work failed (a one-line reason is on standard error), 2 the call was wrong;
        141 if nobody reads the output any more, as after ``| head``.
    """
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # what is left in the buffer would raise again when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
