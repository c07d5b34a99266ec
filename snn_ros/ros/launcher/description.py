"""What a launch file comes to: its arguments and the processes to start, as plain data."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from snn_ros.ros.launcher.values import Value, ros_value


@dataclass(frozen=True)
class Argument:
    """An argument that a launch file takes.

    Attributes:
        default: its value if none is given, substitutions not yet performed; None if it must be
            given.
        choices: the values it may have; any if empty.
    """

    name: str
    default: str | None
    description: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value."""

    name: str
    value: Value


@dataclass(frozen=True)
class ParameterFile:
    """A YAML file of parameters."""

    file: Path


@dataclass(frozen=True)
class NodeProcess:
    """A node to start.

    Attributes:
        name: the node's name; None leaves the one in its code.
        namespace: absolute; None leaves the one in its code.
        parameters: in their order; a later one wins.
        environment: variables on top of those of the launcher.
        output: ``screen`` or ``both`` shows all it prints, ``log`` puts its standard output into a
            log file.
        respawn_delay: in s.
        required: whether the whole launch ends with it (``on_exit="shutdown"``).
    """

    package: str
    executable: str
    name: str | None
    namespace: str | None
    parameters: tuple[Parameter | ParameterFile, ...]
    remappings: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...]
    ros_arguments: tuple[str, ...]
    environment: Mapping[str, str]
    output: str
    respawn: bool
    respawn_delay: float
    required: bool
    file: Path
    line: int

    @property
    def full_name(self) -> str | None:
        """The fully qualified name in the ROS graph, None where only the node's code knows it."""
        if self.name is None:
            return None
        return f"{(self.namespace or '').rstrip('/')}/{self.name}"

    def command(self, executable: Path) -> list[str]:
        """The words that start it.

        Args:
            executable: its file; a Python script runs in the interpreter of this process.
        """
        interpreter = [sys.executable] if _is_python(executable) else []
        return [*interpreter, str(executable), *self.arguments, "--ros-args", *self._ros_words()]

    def _ros_words(self) -> Iterator[str]:
        yield from self.ros_arguments
        if self.name is not None:
            yield from ("-r", f"__node:={self.name}")
        if self.namespace is not None:
            yield from ("-r", f"__ns:={self.namespace}")
        for parameter in self.parameters:
            if isinstance(parameter, ParameterFile):
                yield from ("--params-file", str(parameter.file))
            else:
                yield from ("-p", f"{parameter.name}:={ros_value(parameter.value)}")
        for source, target in self.remappings:
            yield from ("-r", f"{source}:={target}")


@dataclass(frozen=True)
class LaunchDescription:
    """A launch file with all its conditions, includes and substitutions worked out."""

    file: Path
    arguments: tuple[Argument, ...]
    nodes: tuple[NodeProcess, ...]


def _is_python(file: Path) -> bool:
    with file.open("rb") as opened:
        first_line = opened.readline(200)
    return first_line.startswith(b"#!") and b"python" in first_line
