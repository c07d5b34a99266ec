"""Follows a simulated drive for whoever started it: progress, collisions and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from snn_ros.simulation.street.contact_sheet import Image, sheet_of
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation


class DriveWatcher:
    """Watches one drive, and draws a contact sheet of its middle.

    Attributes:
        stopped: whether Ctrl-C ended it.
    """

    def __init__(self, title: str, street: StreetSimulation) -> None:
        """Show a progress bar in simulated seconds.

        Args:
            title: of the contact sheet.
            street: before its first period.
        """
        self._title, self._street = title, street
        self._progress = tqdm(total=street.scenario.duration, unit="s", disable=None)
        self._sheet: Image | None = None
        self._newest: StreetReadings | None = None
        self._collisions: list[dict[str, float]] = []
        self.stopped = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Show progress inside; Ctrl-C ends what is inside, and is no error."""
        try:
            with self._progress:
                yield
        except KeyboardInterrupt:
            self.stopped = True

    def watch(self, readings: StreetReadings) -> None:
        """Take note of one period."""
        scenario, frame = self._street.scenario, readings.frame
        self._newest = readings
        self._progress.update(round(frame.time - self._progress.n, 6))
        self._collisions += [
            {"time_s": hit.time, "first": hit.first, "second": hit.second}
            for hit in frame.collisions
        ]
        if self._sheet is None and frame.time >= scenario.duration / 2:
            self._sheet = self._draw(readings)

    def save_picture(self, file: Path) -> None:
        """Write the contact sheet; of the newest period if the middle was not reached."""
        if self._sheet is None and self._newest is not None:
            self._sheet = self._draw(self._newest)
        if self._sheet is not None:
            cv2.imwrite(str(file), cv2.cvtColor(self._sheet, cv2.COLOR_RGB2BGR))

    @property
    def figures(self) -> dict[str, Any]:
        """What happened, for people and ``--json``."""
        simulated = self._newest.frame.time if self._newest else 0.0
        return {
            "simulated_s": simulated, "stopped": self.stopped, "collisions": self._collisions
        }  # fmt: skip

    def _draw(self, readings: StreetReadings) -> Image:
        title = f"{self._title} at {readings.frame.time:.1f} s"
        return sheet_of(title, self._street, readings)
