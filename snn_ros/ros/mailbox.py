"""A mailbox of one and the worker thread that empties it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Mailbox:
    """Holds the newest item only; what it replaces is counted as dropped. Thread safe."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Any = None
        self._full = False
        self._closed = False
        self.dropped = 0

    def put(self, item: Any) -> None:
        """Leave an item, replacing one that nobody took."""
        with self._condition:
            self.dropped += self._full
            self._item, self._full = item, True
            self._condition.notify()

    def take(self) -> Any:
        """The newest item, waiting for one; None once the mailbox is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._full or self._closed)
            if self._closed:
                return None
            item, self._item, self._full = self._item, None, False
            return item

    def close(self) -> None:
        """Wake up whoever waits; an item still inside counts as dropped."""
        with self._condition:
            self.dropped += self._full
            self._item, self._full, self._closed = None, False, True
            self._condition.notify_all()


class Worker:
    """One thread that calls a function with each item of a mailbox, newest first.

    The function reports its own failures; one that escapes it ends the worker by ``on_failure``.
    """

    def __init__(
        self,
        work: Callable[[Any], None],
        on_failure: Callable[[BaseException], None],
        name: str = "worker",
    ) -> None:
        self.mailbox = Mailbox()
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Close the mailbox and wait for the item in work.

        Args:
            timeout: how long to wait, in s.

        Returns:
            Whether the thread ended in time.
        """
        self.mailbox.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (item := self.mailbox.take()) is not None:
            try:
                self._work(item)
            except Exception as err:  # noqa: BLE001 - the thread must hand over whatever it was
                self._on_failure(err)
                return
