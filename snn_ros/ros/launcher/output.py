"""The lines of several processes in one stream, each behind the name of its node."""

from __future__ import annotations

import threading
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)  # of ANSI terminals; red is for errors
_DIM = 2


class Printer:
    """Writes whole lines. Thread safe."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream: TextIO | None = stream
        self._colour = colour
        self._codes: dict[str, int] = {}
        self._lock = threading.Lock()

    def write(self, label: str, line: str, *, own: bool = False) -> None:
        """Write a line.

        Args:
            label: the node's name.
            line: without its end.
            own: whether the launcher says it about the node.
        """
        with self._lock:
            code = self._codes.setdefault(label, _COLOURS[len(self._codes) % len(_COLOURS)])
            head = self._painted(f"[{label}]", code)
            body = self._painted(line, _DIM) if own else line
            if self._stream is None:
                return
            try:
                self._stream.write(f"{head} {body}\n")
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None  # nobody reads any more, and the nodes must run on

    def _painted(self, text: str, code: int) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
