"""What lies between two nodes: DDS settings, shared memory, sockets, discovery, real messages."""

from __future__ import annotations

import os
import random
import shutil
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from xml.parsers import expat

import psutil

from snn_ros.cli.checks.findings import FAIL, OK, WARN, Check, Finding
from snn_ros.ros import dds, shared_memory
from snn_ros.ros.dds_link import Traffic, measure

_USUAL_NODES = 4  # processes that should find room in shared memory
_SMALL_SEGMENT = 2 << 20  # bytes; messages of this size are already large
_LAST_DOMAIN = 232  # by the port formula of DDS
_LAST_SAFE_DOMAIN = 101  # above it Linux gives the ports to others
_RANGES = ("SUBNET", "LOCALHOST", "OFF", "SYSTEM_DEFAULT")
_DISCOVERY_GROUP = "239.255.0.1"  # of DDS
_MULTICAST_TIMEOUT = 1.0  # s
_TRAFFIC = Traffic(size=2_000_000, count=10)
_DRIVER_ADVICE = (
    f"start the driver with {dds.PROFILE_VARIABLES[0]}={{profile}} or "
    f"{dds.TRANSPORTS_VARIABLE}='{dds.DRIVER_TRANSPORTS}', or have both sides reliable "
    "(docs/dds.md)"
)


def profile(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Which DDS settings a node started from here would have."""
    transports = environment.get(dds.TRANSPORTS_VARIABLE, "")
    if transports.startswith("LARGE_DATA"):
        yield Finding(
            WARN,
            f"{dds.TRANSPORTS_VARIABLE}={transports}: such nodes do not find those without it",
            "unset it; the launcher sets our profile",
        )
    chosen = {name: environment[name] for name in dds.PROFILE_VARIABLES if environment.get(name)}
    for name, value in chosen.items():
        yield from _profile_file(name, Path(value))
    if not chosen and not transports:
        yield from _profile_file("the launcher sets it", dds.profile(environment))


def _profile_file(source: str, file: Path) -> Iterator[Finding]:
    try:
        expat.ParserCreate().Parse(file.read_bytes(), True)
    except (OSError, expat.ExpatError) as err:
        yield Finding(FAIL, f"{file} ({source}): {err}", f"use {dds.profile()}")
    else:
        yield Finding(OK, f"{file} ({source})")


def memory(folder: Path = shared_memory.FOLDER) -> Iterable[Finding]:
    """Whether shared memory has room for our nodes."""
    if not os.access(folder, os.W_OK):
        yield Finding(FAIL, f"{folder} cannot be written", "mount it: docker run --ipc=host")
        return
    usage = shutil.disk_usage(folder)
    text = f"{usage.free >> 20} of {usage.total >> 20} MB free in {folder}"
    if usage.free < _USUAL_NODES * dds.SEGMENT_BYTES:
        needed = dds.SEGMENT_BYTES >> 20
        yield Finding(
            WARN,
            f"{text}; each node takes {needed} MB, and without them large messages go over sockets",
            "docker run --ipc=host or --shm-size=1g; snn-ros doctor --clean",
        )
    else:
        yield Finding(OK, text)


def leftovers(folder: Path = shared_memory.FOLDER) -> Iterable[Finding]:
    """Whether killed processes left their shared memory behind."""
    stale = [segment for segment in shared_memory.segments(folder) if not segment.in_use]
    if stale:
        megabytes = sum(segment.size for segment in stale) >> 20
        yield Finding(
            WARN,
            f"{len(stale)} segments of processes that are gone take {megabytes} MB",
            "snn-ros doctor --clean",
        )
    else:
        yield Finding(OK, "nothing left behind by killed processes")


def drivers(
    folder: Path = shared_memory.FOLDER, processes: Path = Path("/proc")
) -> Iterable[Finding]:
    """Whether programs run here whose large messages get lost on their way to us."""
    small = {
        process: size
        for process, size in shared_memory.largest_by_process(folder, processes).items()
        if size < _SMALL_SEGMENT
    }
    if not small:
        yield Finding(OK, "no program with Fast DDS's default shared memory runs here")
        return
    listed = ", ".join(f"{_name(process)} ({process})" for process in sorted(small))
    yield Finding(
        WARN,
        f"{listed}: with {min(small.values()) / 1e6:.1f} MB of shared memory, larger messages they "
        "send best effort get lost",
        _DRIVER_ADVICE.format(profile=dds.profile()),
    )


def _name(process: int) -> str:
    try:
        words = psutil.Process(process).cmdline()
    except psutil.Error:
        return "?"
    scripts = [Path(word).name for word in words[:3] if not word.startswith("-")]
    return " ".join(scripts[:2]) or "?"


def sockets(folder: Path = Path("/proc/sys/net/core")) -> Iterable[Finding]:
    """Whether the kernel grants the socket buffers our profile asks for."""
    limits = {name: int((folder / name).read_text()) for name in ("rmem_max", "wmem_max")}
    low = {name: value for name, value in limits.items() if value < dds.SOCKET_BUFFER_BYTES}
    if low:
        listed = ", ".join(f"net.core.{name} is {value}" for name, value in low.items())
        wanted = " ".join(f"net.core.{name}={dds.SOCKET_BUFFER_BYTES}" for name in low)
        yield Finding(
            WARN,
            f"{listed}: large messages from another host get lost, best effort",
            f"sudo sysctl -w {wanted}, and the same in /etc/sysctl.d/",
        )
    else:
        yield Finding(OK, f"up to {min(limits.values()) >> 20} MB")


def discovery(environment: Mapping[str, str] = os.environ) -> Iterable[Finding]:
    """Whether nodes started from here look for each other in the right place."""
    domain = environment.get("ROS_DOMAIN_ID", "0") or "0"
    where = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET") or "SUBNET"
    if not domain.isdigit() or int(domain) > _LAST_DOMAIN:
        yield Finding(
            FAIL, f"ROS_DOMAIN_ID is {domain!r}, not 0 to {_LAST_DOMAIN}", "export ROS_DOMAIN_ID=0"
        )
    elif int(domain) > _LAST_SAFE_DOMAIN:
        yield Finding(
            WARN, f"ROS_DOMAIN_ID={domain}: Linux may give its ports to others", "use 0 to 101"
        )
    elif where not in _RANGES:
        yield Finding(
            FAIL,
            f"ROS_AUTOMATIC_DISCOVERY_RANGE is {where!r}",
            f"set it to one of {', '.join(_RANGES)}",
        )
    elif environment.get("ROS_LOCALHOST_ONLY", "0") not in ("0", ""):
        yield Finding(
            WARN,
            "ROS_LOCALHOST_ONLY is outdated and overrides the newer variable",
            "use ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
        )
    else:
        yield Finding(OK, f"domain {domain}, range {where}")


def multicast() -> Iterable[Finding]:
    """Whether a multicast packet of this host comes back to it."""
    try:
        came_back = _multicast_echo()
    except OSError as err:
        came_back, reason = False, f": {err}"
    else:
        reason = ""
    if came_back:
        yield Finding(OK, "multicast packets come back")
    else:
        yield Finding(
            WARN,
            f"no multicast{reason}; nodes do not find each other by themselves",
            "sudo ip link set lo multicast on; or ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST; or "
            "ROS_STATIC_PEERS",
        )


def _multicast_echo() -> bool:
    with (
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender,
    ):
        receiver.bind(("", 0))
        receiver.settimeout(_MULTICAST_TIMEOUT)
        group = struct.pack("4sl", socket.inet_aton(_DISCOVERY_GROUP), socket.INADDR_ANY)
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        word = os.urandom(8)
        sender.sendto(word, (_DISCOVERY_GROUP, receiver.getsockname()[1]))
        try:
            return receiver.recv(len(word)) == word
        except TimeoutError:
            return False


def links() -> Iterator[Finding]:
    """What really arrives between two processes, with our settings and from a default driver."""
    # A domain of its own, so that a running robot does not hear of it.
    base = {**os.environ, "ROS_DOMAIN_ID": str(random.randint(1, _LAST_SAFE_DOMAIN - 1))}
    ours = dds.settings({})
    between = measure(_TRAFFIC, ours, ours, base)
    text = f"2 MB clouds, best effort, between our nodes: {between}"
    if between.complete:
        yield Finding(OK, text)
    else:
        yield Finding(FAIL, text, "see the lines above, and docs/dds.md")
    driver = measure(_TRAFFIC, {}, ours, base)
    text = f"2 MB clouds, best effort, from a driver with default settings: {driver}"
    if driver.complete:
        yield Finding(OK, text)
    else:
        yield Finding(WARN, text, _DRIVER_ADVICE.format(profile=dds.profile()))


CHECKS = (
    Check("DDS profile", profile),
    Check("shared memory", memory),
    Check("leftovers", leftovers),
    Check("drivers", drivers),
    Check("socket buffers", sockets),
    Check("discovery", discovery),
    Check("multicast", multicast),
)
SLOW_CHECKS = (Check("link", links),)
