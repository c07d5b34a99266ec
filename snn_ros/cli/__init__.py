"""The ``snn-ros`` command: one module per sub-command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from snn_ros.errors import SnnRosError

# Each module holds: its docstring (the help text, ending in an example), ``configure(parser)`` and
# ``run(arguments) -> exit code``. It is imported only when asked for, so that help stays quick.
COMMANDS = {
    "launch": "start the nodes of a launch file and watch them",
    "replay": "publish a recording over DDS",
    "convert": "turn a recording into another format",
    "evaluate": "score a system on an input",
    "bench": "measure a system's speed",
    "evolve": "evolve a spiking controller",
    "doctor": "find out why it does not work here",
    "demo": "fly a simulated blimp over DDS and write a report",
}

DONE, FAILED, WRONG_CALL = 0, 1, 2


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"snn_ros.cli.{command}")


def _parser(command: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="snn-ros", description="Spiking perception and control for ROS 2."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        child = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == command:
            module = _module(name)
            child.description = module.__doc__
            module.configure(child)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Args:
        argv: the words after ``snn-ros``; those of the process by default.

    Returns:
        0 done, 1 the work failed (a one-line reason is on standard error), 2 the call was wrong.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    command = words[0] if words and words[0] in COMMANDS else None
    arguments = _parser(command).parse_args(words)
    try:
        return int(_module(arguments.command).run(arguments))
    except SnnRosError as err:
        print(f"snn-ros {arguments.command}: {err}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED
