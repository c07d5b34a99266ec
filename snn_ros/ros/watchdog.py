"""A thread that calls a function at a steady period, whatever the executor is doing."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Watchdog:
    """Calls ``check`` every period until stopped; a hung node callback does not stop it."""

    def __init__(self, period: float, check: Callable[[], None]) -> None:
        """Start watching.

        Args:
            period: time between calls, in s.
            check: what to call; it must not raise.
        """
        self._stopped = threading.Event()
        self._period = period
        self._check = check
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            self._check()
