"""XML as a plain tree whose elements know their line.

Launch files are configuration that people pass around, so the reader takes nothing that could harm:
no document type (hence no entities), no deep nesting, no huge file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from snn_ros.ros.launcher.errors import LaunchFileError, Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 50


@dataclass(frozen=True)
class Element:
    """An XML element and where it is."""

    tag: str
    attributes: Mapping[str, str]
    children: tuple[Element, ...]
    file: Path
    line: int

    def problem(self, text: str) -> Problem:
        """A problem at this element."""
        return Problem(self.file, self.line, text)

    def error(self, text: str) -> LaunchFileError:
        """An error at this element, to be raised."""
        return LaunchFileError([self.problem(text)])

    def all(self, tag: str) -> tuple[Element, ...]:
        """The children with this tag."""
        return tuple(child for child in self.children if child.tag == tag)


def read(file: Path) -> Element:
    """Read an XML file.

    Raises:
        LaunchFileError: it is missing, unreadable, too large, or not well-formed XML; it has a
            document type, text between elements, or more than 50 levels.
    """
    try:
        content = file.read_bytes()
    except OSError as err:
        raise LaunchFileError([Problem(file, 1, f"cannot be read: {err.strerror}")]) from err
    if len(content) > MAX_BYTES:
        raise LaunchFileError([Problem(file, 1, f"larger than {MAX_BYTES} bytes")])
    return _TreeBuilder(file).parse(content)


@dataclass
class _Open:
    """An element whose end tag is still to come."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)


class _TreeBuilder:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: list[_Open] = []
        self._root: Element | None = None
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.StartDoctypeDeclHandler = self._document_type

    def parse(self, content: bytes) -> Element:
        try:
            self._expat.Parse(content, True)
        except expat.ExpatError as err:
            text = f"not well-formed XML: {expat.ErrorString(err.code)}"
            raise LaunchFileError([Problem(self._file, err.lineno, text)]) from err
        except (LookupError, ValueError) as err:  # an encoding that Python does not know
            raise self._error(f"not readable as XML: {err}") from err
        if self._root is None:
            raise self._error("no root element")
        return self._root

    def _error(self, text: str) -> LaunchFileError:
        line = max(1, self._expat.CurrentLineNumber)
        return LaunchFileError([Problem(self._file, line, text)])

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels")
        self._open.append(_Open(tag, attributes, self._expat.CurrentLineNumber))

    def _end(self, _tag: str) -> None:
        done = self._open.pop()
        element = Element(done.tag, done.attributes, tuple(done.children), self._file, done.line)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element

    def _text(self, text: str) -> None:
        if text.strip():
            raise self._error(f"text between elements: {text.strip()!r}")

    def _document_type(self, *_: object) -> None:
        raise self._error("a document type (DOCTYPE) is not allowed")
