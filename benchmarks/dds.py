"""Clouds lost and late between two processes: by size, and by who has which DDS settings.

A driver here is a process that knows nothing of our profile; ``other host`` is one without shared
memory. Example: ``python -m benchmarks.dds``, or with ``--json -`` for figures alone.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tqdm import tqdm

from benchmarks.output import json_target, publish
from snn_ros.ros import dds
from snn_ros.ros.dds_link import Delivery, Traffic, measure

_SIZES = (500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000)
_COUNT = 30
_OURS: Mapping[str, str] = dds.settings({})
_DRIVERS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "tuned": {dds.TRANSPORTS_VARIABLE: dds.DRIVER_TRANSPORTS},
    "large_data": {dds.TRANSPORTS_VARIABLE: "LARGE_DATA"},
    "other_host": {dds.TRANSPORTS_VARIABLE: "UDPv4"},
    "other_host_tuned": {
        dds.TRANSPORTS_VARIABLE: dds.DRIVER_TRANSPORTS.replace("DEFAULT", "UDPv4")
    },
}


@dataclass(frozen=True)
class Case:
    """One measurement."""

    name: str
    traffic: Traffic
    sender: Mapping[str, str]
    receiver: Mapping[str, str]


def cases() -> Iterator[Case]:
    """Sizes with and without the profile, then drivers with other settings, both ways."""
    both = {"default": _DRIVERS["default"], "profile": _OURS}
    for size, (name, settings) in itertools.product(_SIZES, both.items()):
        traffic = Traffic(size, _COUNT)
        yield Case(f"{name}_{size / 1e6:g}MB_best_effort", traffic, settings, settings)
    for (name, settings), reliable in itertools.product(_DRIVERS.items(), (False, True)):
        if reliable and name == "large_data":
            continue  # they do not even find each other
        traffic = Traffic(count=_COUNT, reliable=reliable)
        quality = "reliable" if reliable else "best_effort"
        yield Case(f"{name}_driver_to_node_2MB_{quality}", traffic, settings, _OURS)
        yield Case(f"node_to_{name}_driver_2MB_{quality}", traffic, _OURS, settings)


def scores(name: str, delivery: Delivery) -> dict[str, float]:
    """The figures of one measurement."""
    found: dict[str, float] = {f"{name}_received": delivery.received, f"{name}_sent": delivery.sent}
    if delivery.latency_ms:
        found[f"{name}_p50_ms"] = statistics.median(delivery.latency_ms)
        found[f"{name}_max_ms"] = max(delivery.latency_ms)
    return found


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    # Another host cannot be imitated with LOCALHOST: rmw_fastrtps adds shared memory by itself.
    base = {
        **os.environ,
        "ROS_DOMAIN_ID": str(random.randint(1, 100)),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
    }
    found: dict[str, float] = {}
    lines = []
    for case in tqdm(list(cases()), file=sys.stderr, disable=not sys.stderr.isatty()):
        delivery = measure(case.traffic, case.sender, case.receiver, base)
        found |= scores(case.name, delivery)
        lines.append(f"{case.name:48} {delivery}")
    publish("ros", f"clouds, {_COUNT} at {Traffic.rate:g} Hz", found, target, lines)


if __name__ == "__main__":
    main()
