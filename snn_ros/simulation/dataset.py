"""Training samples from simulated drives as a torch ``Dataset``, without ROS.

::

    dataset = StreetDataset(
        random_drives(range(100)),
        changes={"sensors.cameras": "surround", "sensors.surround_width": 480},
        stride=5, past=2, future=6,  # 2 Hz: 1 s of the past and 3 s of the future
        cache_dir=Path("build/training"),
    )
    loader = DataLoader(dataset, batch_size=4, shuffle=True, num_workers=2, collate_fn=list,
                        multiprocessing_context="spawn")

A drive must be simulated from its start to reach a frame of it. It is simulated once, by the worker
that first needs it, and kept in ``cache_dir``. Without one only the newest drive is kept, in
memory: then read in order, or by ``DriveOrder``, which shuffles drives and the samples in each.
Workers must be spawned, not forked, where there are cameras: each has its own graphics context.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from snn_ros.configuration import ConfigurationError
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.simulation.drive_cache import DriveCache
from snn_ros.simulation.fingerprint import code_fingerprint, fingerprint
from snn_ros.simulation.open_scenario import changed
from snn_ros.simulation.street.random_scenario import RANDOM, open_street_scenario
from snn_ros.simulation.street.scenario import StreetScenario
from snn_ros.simulation.training_frames import Frame, Truth, frame_count, frames_of


@dataclass(frozen=True, eq=False)
class Sample:
    """One moment with what went before and what comes.

    Attributes:
        drive: index of the drive in the data set.
        number: of the present frame in its drive.
        present: now.
        past: the frames before, oldest first.
        future: what is true in the frames to come, nearest first, each in its own frame; for the
            present one use ``inverse(present.truth.pose) @ future[k].pose``.
    """

    drive: int
    number: int
    present: Frame
    past: tuple[Frame, ...]
    future: tuple[Truth, ...]


@dataclass(frozen=True)
class _Drive:
    scenario: StreetScenario
    frames: int
    name: str


@dataclass
class _Newest:
    """The drive simulated last, where there is no cache."""

    index: int = -1
    frames: list[Frame] = field(default_factory=list)


class StreetDataset(Dataset[Sample]):
    """Samples of drives; sample i is the same whoever asks for it, in whatever order."""

    def __init__(
        self,
        scenarios: Sequence[str | StreetScenario],
        *,
        changes: Mapping[str, Any] | None = None,
        frames_per_drive: int | None = None,
        stride: int = 1,
        past: int = 0,
        future: int = 0,
        cache_dir: Path | None = None,
    ) -> None:
        """Describe the samples; nothing is simulated yet.

        Args:
            scenarios: names, files, ``street-random:SEED``, or scenarios.
            changes: other settings for all of them by dotted name, such as ``sensors.cameras``.
            frames_per_drive: frames looked at from the start of each; all of it by default.
            stride: sweeps of the LiDAR (periods without one) from frame to frame.
            past: frames before the present one in each sample.
            future: frames after it.
            cache_dir: folder of simulated drives.

        Raises:
            ScenarioError: there is no such scenario.
            ConfigurationError: a number is out of bounds, a change does not fit, or a drive is
                too short for one sample.
        """
        self._past, self._future, self._stride = past, future, stride
        self._frames_per_drive = frames_per_drive
        self._check_numbers()
        self._cache = DriveCache(cache_dir) if cache_dir else None
        self._newest = _Newest()
        self._code = code_fingerprint()
        opened = [_opened(scenario, changes or {}) for scenario in scenarios]
        self._drives = [self._described(scenario) for scenario in opened]
        self._ends = list(accumulate(len(samples) for samples in self.drives))

    @property
    def drives(self) -> list[range]:
        """Numbers of the present frames of each drive's samples."""
        return [range(self._past, drive.frames - self._future) for drive in self._drives]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Sample:
        """The sample of an index from 0 on.

        Raises:
            IndexError: there are fewer.
            RendererError: there are cameras, and no off-screen renderer on this machine.
            CacheNotWritten: the file system refuses.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index = {index!r}: must be from 0 to {len(self) - 1}")
        drive = bisect.bisect_right(self._ends, index)
        number = self.drives[drive][index - (self._ends[drive - 1] if drive else 0)]
        before, after = (
            range(number - self._past, number),
            range(number + 1, number + 1 + self._future),
        )
        return Sample(
            drive=drive,
            number=number,
            present=self._frame(drive, number),
            past=tuple(self._frame(drive, n) for n in before),
            future=tuple(self._truth(drive, n) for n in after),
        )

    def _frame(self, index: int, number: int) -> Frame:
        if self._cache is None:
            return self._in_memory(index)[number]
        drive = self._cached(self._cache, index)
        return Frame(self._cache.truth(drive, number), self._cache.sight(drive, number))

    def _truth(self, index: int, number: int) -> Truth:
        if self._cache is None:
            return self._in_memory(index)[number].truth
        return self._cache.truth(self._cached(self._cache, index), number)

    def _cached(self, cache: DriveCache, index: int) -> str:
        drive = self._drives[index]
        cache.ensure(drive.name, self._simulated(drive))
        return drive.name

    def _in_memory(self, index: int) -> list[Frame]:
        if self._newest.index != index:
            self._newest = _Newest(index, list(self._simulated(self._drives[index])))
        return self._newest.frames

    def _simulated(self, drive: _Drive) -> Iterator[Frame]:
        return islice(frames_of(drive.scenario, self._stride), drive.frames)

    def _described(self, scenario: StreetScenario) -> _Drive:
        frames = frame_count(scenario, self._stride)
        frames = min(frames, self._frames_per_drive or frames)
        needed = self._past + 1 + self._future
        if frames < needed:
            name = scenario.description or "a drive"
            raise ConfigurationError(
                "dataset", [f"{name}: {frames} frames, a sample needs past + 1 + future = {needed}"]
            )
        name = fingerprint(scenario, self._code, {"stride": self._stride, "frames": frames})
        return _Drive(scenario, frames, name)

    def _check_numbers(self) -> None:
        least = {"stride": 1, "past": 0, "future": 0, "frames_per_drive": 1}
        found = {name: getattr(self, f"_{name}") for name in least}
        problems = [
            f"{name} = {value!r}: must be at least {least[name]}"
            for name, value in found.items()
            if value is not None and value < least[name]
        ]
        if problems:
            raise ConfigurationError("dataset", problems)


class DriveOrder(Sampler[int]):
    """Every sample once, drive after drive; drives and the samples within each in random order."""

    def __init__(self, dataset: StreetDataset, generator: torch.Generator) -> None:
        """Shuffle a data set.

        Args:
            dataset: whose samples.
            generator: advances with every pass.
        """
        self._sizes = [len(samples) for samples in dataset.drives]
        self._generator = generator

    def __len__(self) -> int:
        return sum(self._sizes)

    def __iter__(self) -> Iterator[int]:
        starts = [0, *accumulate(self._sizes)]
        for drive in torch.randperm(len(self._sizes), generator=self._generator).tolist():
            inside = torch.randperm(self._sizes[drive], generator=self._generator)
            yield from (starts[drive] + inside).tolist()


def random_drives(seeds: range) -> list[str]:
    """Names of the random scenarios of some seeds."""
    return [f"{RANDOM}:{seed}" for seed in seeds]


def _opened(scenario: str | StreetScenario, changes: Mapping[str, Any]) -> StreetScenario:
    where = scenario if isinstance(scenario, str) else scenario.description or "scenario"
    if isinstance(scenario, str):
        folder = share_directory(OWN_PACKAGE) / "config" / "scenarios"
        scenario = open_street_scenario(scenario, folder)
    return changed(scenario, changes, where)
