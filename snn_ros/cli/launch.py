"""Start the nodes of a launch file and watch them.

Reads ROS's declarative XML launch files, as ``ros2 launch`` does, and stays until Ctrl-C. Each line
a node prints is shown behind its name; nodes that do not become active are reported.

Example:
  snn-ros launch blimp scenario:=blimp_quick
"""

from __future__ import annotations

import argparse
import shlex
import sys

from snn_ros.cli import DONE, WRONG_CALL
from snn_ros.ros.launcher.errors import LaunchArgumentError
from snn_ros.ros.launcher.parser import read_arguments
from snn_ros.ros.launcher.run import LaunchSession, find_launch_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="NAME|FILE", help="a name in launch/, or a launch file")
    parser.add_argument(
        "arguments", nargs="*", type=launch_argument, metavar="name:=value", help="launch arguments"
    )
    parser.add_argument(
        "-s", "--show-args", action="store_true", help="show the launch arguments and end"
    )
    parser.add_argument(
        "-p", "--print", action="store_true", help="print the commands it would start and end"
    )
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS",
        help="after which nodes that are not active are reported (default 30)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Launch.

    Returns:
        0 if nothing failed, 1 if a required node did, 2 if an argument is wrong.
    """
    if arguments.show_args:
        return _show_arguments(arguments.file)
    try:
        session = LaunchSession(arguments.file, dict(arguments.arguments), output=sys.stdout)
    except LaunchArgumentError as err:
        print(f"snn-ros launch: {err}", file=sys.stderr)
        return WRONG_CALL
    if arguments.print:
        for process in session.processes:
            print(shlex.join(process.command))
        return DONE
    return session.run(arguments.timeout)


def _show_arguments(name: str) -> int:
    for argument in read_arguments(find_launch_file(name)):
        default = "must be given" if argument.default is None else f"default {argument.default!r}"
        choices = f", one of {', '.join(argument.choices)}" if argument.choices else ""
        print(f"{argument.name} ({default}{choices})")
        if argument.description:
            print(f"    {argument.description}")
    return DONE


def launch_argument(text: str) -> tuple[str, str]:
    """A word ``name:=value``.

    Raises:
        ArgumentTypeError: it is something else.
    """
    name, separator, value = text.partition(":=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not name:=value")
    return name, value
