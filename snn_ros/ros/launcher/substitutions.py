"""Texts with substitutions, ``$(var name)`` and the like, as ROS's launch files write them.

The rules are those of ``ros2 launch``: arguments are separated by one space; an argument in single
or double quotes may hold spaces; ``$(…)`` nests; a backslash makes the next character a plain one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from snn_ros.packages import share_directory
from snn_ros.ros.launcher.errors import LaunchError

MAX_DEPTH = 20
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class SubstitutionError(LaunchError):
    """Raised when a text is not a template, or a substitution has no value."""


@dataclass(frozen=True)
class Call:
    """A substitution to be performed."""

    name: str
    arguments: tuple[Template, ...]


Template = tuple[str | Call, ...]
"""Plain texts and substitutions, to be joined."""


@dataclass(frozen=True)
class Surroundings:
    """What substitutions can see."""

    variables: Mapping[str, str]
    environment: Mapping[str, str]
    folder: Path


def parse_template(text: str) -> Template:
    """Split a text into plain pieces and substitutions.

    Raises:
        SubstitutionError: it is not well formed, or asks for an unknown substitution.
    """
    return _Reader(text).template(quote="", depth=0)


def evaluate(template: Template, surroundings: Surroundings) -> str:
    """Perform the substitutions.

    Raises:
        SubstitutionError: a variable is not set.
        PackageNotFoundError: a package is not installed.
    """
    return "".join(
        part
        if isinstance(part, str)
        else FUNCTIONS[part.name].perform(
            surroundings, [evaluate(argument, surroundings) for argument in part.arguments]
        )
        for part in template
    )


def calls(template: Template, name: str) -> bool:
    """Whether a template has this substitution, at any depth."""
    return any(
        isinstance(part, Call)
        and (part.name == name or any(calls(argument, name) for argument in part.arguments))
        for part in template
    )


@dataclass(frozen=True)
class Function:
    """A substitution: how many arguments it takes and what it does with their values."""

    least: int
    most: int
    perform: Callable[[Surroundings, list[str]], str]


def _variable(surroundings: Surroundings, arguments: list[str]) -> str:
    return _look_up("variable", surroundings.variables, arguments)


def _environment(surroundings: Surroundings, arguments: list[str]) -> str:
    return _look_up("environment variable", surroundings.environment, arguments)


def _look_up(kind: str, values: Mapping[str, str], arguments: list[str]) -> str:
    name, *default = arguments
    if name in values:
        return values[name]
    if default:
        return default[0]
    raise SubstitutionError(f"{kind} {name!r} is not set")


def _share(surroundings: Surroundings, arguments: list[str]) -> str:
    return str(share_directory(arguments[0], surroundings.environment))


FUNCTIONS = {
    "var": Function(1, 2, _variable),
    "env": Function(1, 2, _environment),
    "find-pkg-share": Function(1, 1, _share),
    "dirname": Function(0, 0, lambda surroundings, _: str(surroundings.folder)),
}


class _Reader:
    """A recursive-descent reader of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def template(self, quote: str, depth: int) -> Template:
        """Everything up to the closing quote, or to the end where quote is empty."""
        parts = self._parts(stop=quote, quote=quote, depth=depth)
        if quote:
            self._expect(quote)
        return parts

    def _parts(self, stop: str, quote: str, depth: int) -> Template:
        """Pieces up to one of the stop characters or the end."""
        parts: list[str | Call] = []
        while self._next() and self._next() not in stop:
            if self._at_substitution():
                parts.append(self._substitution(quote, depth + 1))
            else:
                parts.append(self._plain(stop))
        return tuple(parts)

    def _plain(self, stop: str) -> str:
        start = self._at
        while self._next() and self._next() not in stop and not self._at_substitution():
            # A space separates arguments even after a backslash.
            escapes = self._next() == "\\" and self._text[self._at + 1 : self._at + 2].strip(" ")
            self._at += 2 if escapes else 1
        return re.sub(r"\\(.)", r"\1", self._text[start : self._at])

    def _substitution(self, quote: str, depth: int) -> Call:
        if depth > MAX_DEPTH:
            raise SubstitutionError(f"more than {MAX_DEPTH} nested substitutions")
        self._at += len("$(")
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise self._error("a substitution needs a name")
        self._at = match.end()
        arguments = []
        while self._next() == " ":
            self._at += 1
            arguments.append(self._argument(quote, depth))
        self._expect(")")
        return self._call(match.group(), tuple(arguments))

    def _argument(self, quote: str, depth: int) -> Template:
        opening = self._next()
        if not quote and opening in ("'", '"'):
            self._at += 1
            return self.template(opening, depth)
        argument = self._parts(stop=" ()" + (quote or "'\""), quote=quote, depth=depth)
        if not argument:
            raise self._error("an argument is missing")
        return argument

    def _call(self, name: str, arguments: tuple[Template, ...]) -> Call:
        if name not in FUNCTIONS:
            raise SubstitutionError(
                f"unknown substitution $({name}); known are {', '.join(sorted(FUNCTIONS))}"
            )
        function = FUNCTIONS[name]
        if not function.least <= len(arguments) <= function.most:
            wanted = " or ".join(str(n) for n in sorted({function.least, function.most}))
            raise SubstitutionError(f"$({name}) takes {wanted} arguments, not {len(arguments)}")
        return Call(name, arguments)

    def _at_substitution(self) -> bool:
        # A backslash before the dollar makes it plain, even one that is escaped itself.
        escaped = self._text[self._at - 1 : self._at] == "\\"
        return self._text.startswith("$(", self._at) and not escaped

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise self._error(f"expected {character!r}")
        self._at += 1

    def _error(self, text: str) -> SubstitutionError:
        return SubstitutionError(f"{text} at character {self._at + 1} of {self._text!r}")
