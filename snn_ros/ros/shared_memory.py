"""Fast DDS's shared-memory segments on this host: whose they are, and which were left behind.

Each process with the transport owns a file ``fastrtps_<16 hex digits>`` (``fastdds_…`` from Fast
DDS 3 on), and holds a lock on the file of the same name with ``_el`` behind it as long as it lives.
One that is killed leaves both.
"""

from __future__ import annotations

import fcntl
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("/dev/shm")
_SEGMENT = re.compile(r"(fastrtps|fastdds)_[0-9a-f]{16}")
_LOCK_SUFFIX = "_el"


@dataclass(frozen=True)
class Segment:
    """A segment and whether its owner lives."""

    file: Path
    size: int
    in_use: bool


def segments(folder: Path = FOLDER) -> list[Segment]:
    """All segments on this host whose lock may be read."""
    found = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if _SEGMENT.fullmatch(file.name):
            try:
                found.append(Segment(file, file.stat().st_size, _is_locked(_lock(file))))
            except OSError:  # gone meanwhile, or another user's
                continue
    return found


def remove_stale(folder: Path = FOLDER, age: float = 10.0) -> int:
    """Delete the segments of processes that are gone.

    Args:
        folder: where they are.
        age: in s; younger ones stay, since their owner may be about to lock them.

    Returns:
        The bytes freed.
    """
    freed = 0
    for segment in segments(folder):
        if not segment.in_use and time.time() - segment.file.stat().st_mtime > age:
            segment.file.unlink(missing_ok=True)
            _lock(segment.file).unlink(missing_ok=True)
            freed += segment.size
    return freed


def largest_by_process(folder: Path = FOLDER, processes: Path = Path("/proc")) -> dict[int, int]:
    """The size in bytes of the largest segment each process owns, by process id.

    Only processes whose open files may be seen, which are all of them for root.
    """
    sizes = {segment.file.name: segment.size for segment in segments(folder) if segment.in_use}
    found: dict[int, int] = defaultdict(int)
    for process, name in _owned(processes):
        if name in sizes:
            found[process] = max(found[process], sizes[name])
    return dict(found)


def _owned(processes: Path) -> Iterator[tuple[int, str]]:
    for folder in processes.glob("[0-9]*"):
        for target in _open_files(folder / "fd"):
            if target.endswith(_LOCK_SUFFIX):
                yield int(folder.name), target.removesuffix(_LOCK_SUFFIX)


def _open_files(folder: Path) -> Iterator[str]:
    """The names behind the descriptors of a process, as far as they may be seen."""
    try:
        links = list(folder.iterdir())
    except OSError:  # the process ended, or is another user's
        return
    for link in links:
        with suppress(OSError):  # closed meanwhile
            yield link.readlink().name


def _lock(file: Path) -> Path:
    return file.with_name(file.name + _LOCK_SUFFIX)


def _is_locked(file: Path) -> bool:
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
