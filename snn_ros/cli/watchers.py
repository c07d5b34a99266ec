"""Follow a simulated run for whoever started it: progress, what happened, and a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from snn_ros.blimp_control import PilotOutput
from snn_ros.cli.demo import altitude_figure
from snn_ros.nodes.flight_recorder import FlightLog
from snn_ros.simulation.flight import Frame
from snn_ros.simulation.scenario import Scenario
from snn_ros.simulation.street.contact_sheet import Image, sheet_of
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation


class Watcher(ABC):
    """Shows progress in simulated seconds.

    Attributes:
        stopped: whether Ctrl-C ended the run.
    """

    def __init__(self, duration: float) -> None:
        self._progress = tqdm(total=duration, unit="s", disable=None)
        self.stopped = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Show progress inside; Ctrl-C ends what is inside, and is no error."""
        try:
            with self._progress:
                yield
        except KeyboardInterrupt:
            self.stopped = True

    def reached(self, time: float) -> None:
        """Move the progress bar to a simulated time in s."""
        self._progress.update(round(time - self._progress.n, 6))

    @abstractmethod
    def save_picture(self, file: Path) -> None:
        """Write a picture of what was made; nothing if nothing was."""

    @property
    @abstractmethod
    def figures(self) -> dict[str, Any]:
        """What happened, for ``--json``."""

    @property
    @abstractmethod
    def remarks(self) -> list[str]:
        """What happened, for people."""


class DriveWatcher(Watcher):
    """Watches one drive, and draws a contact sheet of its middle."""

    def __init__(self, title: str, street: StreetSimulation) -> None:
        """Watch from the start.

        Args:
            title: of the contact sheet.
            street: before its first period.
        """
        super().__init__(street.scenario.duration)
        self._title, self._street = title, street
        self._sheet: Image | None = None
        self._newest: StreetReadings | None = None
        self._collisions: list[dict[str, float]] = []

    def watch(self, readings: StreetReadings) -> None:
        """Take note of one period."""
        frame = readings.frame
        self._newest = readings
        self.reached(frame.time)
        self._collisions += [
            {"time_s": hit.time, "first": hit.first, "second": hit.second}
            for hit in frame.collisions
        ]
        if self._sheet is None and frame.time >= self._street.scenario.duration / 2:
            self._sheet = self._draw(readings)

    def save_picture(self, file: Path) -> None:
        """Write the contact sheet; of the newest period if the middle was not reached."""
        if self._sheet is None and self._newest is not None:
            self._sheet = self._draw(self._newest)
        if self._sheet is not None:
            cv2.imwrite(str(file), cv2.cvtColor(self._sheet, cv2.COLOR_RGB2BGR))

    @property
    def figures(self) -> dict[str, Any]:
        """How far the drive came, and who met whom."""
        simulated = self._newest.frame.time if self._newest else 0.0
        return {"simulated_s": simulated, "collisions": self._collisions}

    @property
    def remarks(self) -> list[str]:
        """A line for each collision."""
        return [
            f"collision at {hit['time_s']:.1f} s between {hit['first']} and {hit['second']} "
            "(-1 is the ego)"
            for hit in self._collisions
        ]

    def _draw(self, readings: StreetReadings) -> Image:
        title = f"{self._title} at {readings.frame.time:.1f} s"
        return sheet_of(title, self._street, readings)


class FlightWatcher(Watcher):
    """Watches one flight, and plots its altitude beside a picture of the room."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario.duration)
        self._scenario = scenario
        self._frames: list[tuple[Frame, PilotOutput]] = []

    def watch(self, frame: Frame, output: PilotOutput) -> None:
        """Take note of one period."""
        self._frames.append((frame, output))
        self.reached(frame.time)

    def save_picture(self, file: Path) -> None:
        """Write the plot."""
        if self._frames:
            altitude_figure(self._scenario, {"snn": self._log()}).savefig(file, dpi=100)

    @property
    def figures(self) -> dict[str, Any]:
        """How far the flight came, how well it held its altitude, and what it touched."""
        if not self._frames:
            return {"simulated_s": 0.0, "rmse_m": None, "contacts": []}
        log = self._log()
        error = log.values["setpoint"] - log.true_altitude
        return {
            "simulated_s": self._frames[-1][0].time,
            "rmse_m": float(np.sqrt(np.nanmean(error**2))),
            "contacts": [
                {"time_s": contact.time, "surface": contact.surface, "speed": contact.speed}
                for frame, _ in self._frames
                for contact in frame.contacts
            ],
        }

    @property
    def remarks(self) -> list[str]:
        """How well it flew, and a line for each contact."""
        figures = self.figures
        if figures["rmse_m"] is None:
            return []
        return [f"RMSE of the altitude: {100.0 * figures['rmse_m']:.1f} cm"] + [
            f"touched {contact['surface']} at {contact['time_s']:.1f} s "
            f"with {contact['speed']:.2f} m/s"
            for contact in figures["contacts"]
        ]

    def _log(self) -> FlightLog:
        times = np.array([frame.time for frame, _ in self._frames])
        altitudes = np.array([frame.altitude for frame, _ in self._frames])
        setpoints = np.array([output.control.setpoint for _, output in self._frames])
        states, controllers = zip(
            *((o.control.state, o.control.step.controller) for _, o in self._frames), strict=True
        )
        path = np.column_stack([times, altitudes])
        return FlightLog(times, altitudes, {"setpoint": setpoints}, states, controllers, (), path)
