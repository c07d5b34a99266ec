"""What a check may find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes:
        status: ``ok``; ``warn``: works, but not for everything; ``fail``: does not work.
        text: what was found.
        remedy: what to do, empty if nothing.
    """

    status: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """A named look at something."""

    name: str
    look: Callable[[], Iterable[Finding]]

    def findings(self) -> Iterator[Finding]:
        """What it finds; a check that breaks is a finding, too."""
        try:
            yield from self.look()
        except Exception as err:  # noqa: BLE001 - the machine is broken in a way not thought of
            yield Finding(FAIL, f"the check itself broke: {type(err).__name__}: {err}")
