"""Watches what a process uses while something else keeps it busy."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil


@dataclass(frozen=True)
class Usage:
    """What a process used over a while."""

    memory_slope_mb_per_min: float
    memory_mb: float
    cpu_share: float  # of one core
    threads: tuple[int, int]  # fewest, most
    descriptors: tuple[int, int]


def watch(pid: int, seconds: float, warm_up: float, work: Callable[[float], None]) -> Usage:
    """Sample a process about once a second.

    Args:
        pid: the process.
        seconds: how long to watch after the warm-up.
        warm_up: seconds left out at the beginning: caches fill.
        work: called with a duration in s again and again; returns after it.
    """
    process = psutil.Process(pid)
    work(warm_up)
    samples = []
    process.cpu_percent()
    began = time.monotonic()
    cpu_before = sum(process.cpu_times()[:2])
    while (now := time.monotonic() - began) < seconds:
        memory = process.memory_info().rss / 2**20
        samples.append((now, memory, process.num_threads(), process.num_fds()))
        work(1.0)
    elapsed = time.monotonic() - began
    times, memory, threads, descriptors = map(np.array, zip(*samples, strict=True))
    slope = float(np.polyfit(times, memory, 1)[0] * 60.0)
    return Usage(
        memory_slope_mb_per_min=slope,
        memory_mb=float(memory[-1]),
        cpu_share=(sum(process.cpu_times()[:2]) - cpu_before) / elapsed,
        threads=(int(threads.min()), int(threads.max())),
        descriptors=(int(descriptors.min()), int(descriptors.max())),
    )
