"""One node's process: its environment, its output line by line, its signals, its restarts."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

from snn_ros.packages import find_executable
from snn_ros.ros.launcher.description import NodeProcess
from snn_ros.ros.launcher.output import Printer

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)


class ManagedProcess:
    """A node's process, which can be started again. Not thread safe: one thread looks after it.

    The process leads a process group of its own, so that a signal reaches whatever it started, and
    a Ctrl-C in the terminal reaches the launcher alone, which passes it on. Should the launcher be
    killed, the kernel sends the process SIGTERM.
    """

    def __init__(
        self, node: NodeProcess, label: str, environment: Mapping[str, str], printer: Printer
    ) -> None:
        """Make it, without starting it.

        Raises:
            SnnRosError: the package or the executable is not installed.
        """
        self.node = node
        self.label = label
        self.command = node.command(find_executable(node.package, node.executable, environment))
        self.starts = 0
        self.exit_code: int | None = None
        """How it ended, None as long as it runs; negative: by that signal."""
        self.restart_at: float | None = None
        """Steady-clock time in s at which it is to be started again."""
        self._environment = {**environment, **node.environment}
        self._printer = printer
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        return None if self._process is None or self.exit_code is not None else self._process.pid

    def start(self) -> None:
        """Start it, or start it again. Must be called by a thread that outlives the process."""
        log = _log_file(self.label, self._environment) if self.node.output == "log" else None
        self._process = subprocess.Popen(
            self.command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        if log is not None:
            log.close()
        self.starts += 1
        self.exit_code = self.restart_at = None
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()
        self._say(f"started, process {self._process.pid}")

    def has_ended(self) -> bool:
        """Whether it ended since it was last started; true once for each end."""
        if self._process is None or self.exit_code is not None:
            return False
        self.exit_code = self._process.poll()
        if self.exit_code is None:
            return False
        self._end_group()
        for reader in self._readers:
            reader.join(timeout=1.0)
        self._say(f"ended {describe_exit(self.exit_code)}")
        return True

    def send(self, number: int) -> None:
        """Send a signal to it and to whatever it started."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def restart_later(self) -> None:
        """Note that it is to be started again after the delay of its launch file."""
        self.restart_at = time.monotonic() + self.node.respawn_delay

    def _end_group(self) -> None:
        """Kill what the process left behind."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._printer.write(self.label, line.decode(errors="replace").rstrip("\r\n"))

    def _say(self, text: str) -> None:
        self._printer.write(self.label, text, own=True)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def log_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where ROS puts log files."""
    if environment.get("ROS_LOG_DIR"):
        return Path(environment["ROS_LOG_DIR"])
    return Path(environment.get("ROS_HOME") or Path.home() / ".ros") / "log"


def _log_file(label: str, environment: Mapping[str, str]) -> BinaryIO:
    folder = log_folder(environment)
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{label}-stdout.log").open("ab")


def _end_with_parent() -> None:
    """In the new process: have the kernel send SIGTERM when the launcher's thread ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
