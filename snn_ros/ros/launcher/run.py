"""Starts everything in a launch file, watches it, and takes it down again."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TextIO

from snn_ros.packages import OWN_PACKAGE, prefixes, share_directory
from snn_ros.ros import dds
from snn_ros.ros.launcher.activation import wait_active
from snn_ros.ros.launcher.description import LaunchDescription, NodeProcess
from snn_ros.ros.launcher.errors import LaunchError, NotActiveError
from snn_ros.ros.launcher.output import Printer
from snn_ros.ros.launcher.parser import load
from snn_ros.ros.launcher.process import ManagedProcess, describe_exit

SUFFIX = ".launch.xml"
STOP_GRACE = 5.0  # s between the signal to stop and SIGKILL
_POLL = 0.02  # s between two looks at the processes
_OWN_LABEL = "launch"


def find_launch_file(name_or_path: str | Path) -> Path:
    """The launch file of that name in this package, or the file itself where it is a path.

    Raises:
        LaunchError: there is none.
    """
    path = Path(name_or_path)
    if path.suffix == ".xml" and path.is_file():
        return path
    folder = share_directory(OWN_PACKAGE) / "launch"
    file = folder / f"{path.name.removesuffix(SUFFIX)}{SUFFIX}"
    if len(path.parts) == 1 and file.is_file():
        return file
    names = sorted(f.name.removesuffix(SUFFIX) for f in folder.glob(f"*{SUFFIX}"))
    raise LaunchError(f"no launch file {str(path)!r}; in {folder} are {', '.join(names)}")


def node_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What nodes find in their environment: base, and our defaults where it says nothing."""
    defaults = {
        # Busy-waiting pools fight over the cores of a small machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        **dds.settings(base),
    }
    return {**defaults, **base, "AMENT_PREFIX_PATH": os.pathsep.join(map(str, prefixes(base)))}


class LaunchSession:
    """The running nodes of a launch file. A context manager: started on entry, gone after exit.

    Example::

        with LaunchSession("blimp", {"scenario": "blimp_quick"}) as session:
            session.wait_active(timeout=20.0)
            ...
    """

    def __init__(
        self,
        name_or_path: str | Path,
        arguments: Mapping[str, str] | None = None,
        *,
        output: TextIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Read the launch file and find its executables. Nothing is started yet.

        Args:
            name_or_path: a name in the package's launch folder, or a file.
            arguments: values for the arguments of the file.
            output: where the nodes' lines go; standard error by default.
            environment: of the nodes; that of this process by default.

        Raises:
            SnnRosError: there is no such file, it is not understood, an argument is wrong, or an
                executable is missing.
        """
        base = os.environ if environment is None else environment
        full = node_environment(base)
        self._environment = {**base, "AMENT_PREFIX_PATH": full["AMENT_PREFIX_PATH"]}
        self.description: LaunchDescription = load(find_launch_file(name_or_path), arguments, full)
        if not self.description.nodes:
            raise LaunchError(f"{self.description.file}: no node to start")
        stream = sys.stderr if output is None else output
        colour = stream.isatty() and "NO_COLOR" not in base
        if colour:
            full.setdefault("RCUTILS_COLORIZED_OUTPUT", "1")  # they see a pipe, not the terminal
        self._printer = Printer(stream, colour=colour)
        self.processes: tuple[ManagedProcess, ...] = tuple(
            ManagedProcess(node, label, full, self._printer)
            for node, label in zip(
                self.description.nodes, _labels(self.description.nodes), strict=True
            )
        )
        self.outcome: str = ""
        """Why it ended, empty while it runs."""
        self.exit_code: int | None = None
        """0 or 1 once it ended: whether a required node, or one left alone, failed."""
        self._stop_signal = signal.SIGINT
        self._stop = threading.Event()
        self._kill = threading.Event()
        self._started = threading.Event()
        # The kernel ties the processes to the thread that starts them, so one thread does it all.
        self._supervisor = threading.Thread(target=self._supervise, name="launch", daemon=True)

    def __enter__(self) -> LaunchSession:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start all nodes and return.

        Raises:
            LaunchError: one could not be started; none is left running.
        """
        self._supervisor.start()
        self._started.wait()
        if self.exit_code is not None and not any(p.starts for p in self.processes):
            raise LaunchError(self.outcome)

    def wait_active(self, timeout: float = 30.0) -> None:
        """Wait until every named node is active, or in the graph where it has no life cycle.

        Args:
            timeout: in s.

        Raises:
            NotActiveError: some are not. It ends at once when a node cannot become active any more.
        """
        named = {p.node.full_name: p for p in self.processes if p.node.full_name is not None}
        states = wait_active(
            named, timeout, self._environment, lambda: not self._has_lost(named.values())
        )
        reasons = {name: _reason(named[name], state) for name, state in states.items()}
        if reasons:
            raise NotActiveError(reasons)

    def wait_ended(self, timeout: float) -> bool:
        """Wait until the launch has ended by itself.

        Args:
            timeout: in s.

        Returns:
            Whether it has; ``exit_code`` and ``outcome`` are set then.
        """
        self._supervisor.join(timeout)
        return not self._supervisor.is_alive()

    def run(self, timeout: float = 30.0) -> int:
        """Start, report when all nodes are active, and stay until the launch or a signal ends it.

        SIGINT and SIGTERM go on to the nodes; a second one, or five seconds, kills them.

        Args:
            timeout: in s, after which nodes that are not active are reported. They run on.

        Returns:
            The exit code: 1 if a required node failed, a node left alone failed, or a node did not
            stop when told to; else 0.
        """
        with self._forwarded_signals(), self:
            self._report_active(timeout)
            while self._supervisor.is_alive():
                self._supervisor.join(timeout=1.0)
        self._say(self.outcome)
        return self.exit_code or 0

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Have all nodes stop, and wait until they are gone."""
        self._stop_with(number)
        if self._supervisor.ident is not None:
            self._supervisor.join()

    def _report_active(self, timeout: float) -> None:
        try:
            self.wait_active(timeout)
        except NotActiveError as err:
            if not self._stop.is_set():
                self._say(str(err))
        else:
            self._say("all nodes are active")

    def _has_lost(self, processes: Iterable[ManagedProcess]) -> bool:
        if self._stop.is_set() or not self._supervisor.is_alive():
            return True
        return any(p.exit_code is not None and not p.node.respawn for p in processes)

    def _supervise(self) -> None:
        try:
            for process in self.processes:
                process.start()
            self._started.set()
            while not self._stop.is_set() and self._look_after():
                self._stop.wait(_POLL)
        except OSError as err:
            self._end(1, f"a process could not be started: {err}")
        finally:
            self._take_down()
            self._started.set()

    def _look_after(self) -> bool:
        """Restart what is to be restarted.

        Returns:
            Whether anything runs or will run again.
        """
        for process in self.processes:
            if process.has_ended():
                self._ended(process)
            elif process.restart_at is not None and time.monotonic() >= process.restart_at:
                process.start()
        return any(p.pid is not None or p.restart_at is not None for p in self.processes)

    def _ended(self, process: ManagedProcess) -> None:
        ending = describe_exit(process.exit_code or 0)
        if process.node.required:
            self._end(
                int(process.exit_code != 0), f"{process.label}, which is required, ended {ending}"
            )
            self._stop.set()
        elif process.node.respawn:
            process.restart_later()

    def _take_down(self) -> None:
        running = [process for process in self.processes if process.pid is not None]
        if not running and not self._stop.is_set():
            failed = [p.label for p in self.processes if p.exit_code]
            self._end(int(bool(failed)), f"failed: {', '.join(failed)}" if failed else "all ended")
        _signal_and_wait(running, self._stop_signal, STOP_GRACE, self._kill)
        stubborn = [process for process in running if process.pid is not None]
        _signal_and_wait(stubborn, signal.SIGKILL, STOP_GRACE, threading.Event())
        if stubborn:
            names = ", ".join(process.label for process in stubborn)
            self._end(1, f"killed, because it did not stop: {names}")
        self._end(0, "stopped")

    def _end(self, exit_code: int, outcome: str) -> None:
        """Note how the launch ended: the worst exit code, the first reason."""
        self.exit_code = max(exit_code, self.exit_code or 0)
        self.outcome = self.outcome or outcome

    def _stop_with(self, number: int) -> None:
        if not self._stop.is_set():
            self._stop_signal = signal.Signals(number)
            self._stop.set()

    @contextmanager
    def _forwarded_signals(self) -> Iterator[None]:
        def forward(number: int, _frame: FrameType | None) -> None:
            if self._stop.is_set():
                self._kill.set()  # the second one: do not wait any longer
            self._stop_with(number)

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, forward) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _say(self, text: str) -> None:
        self._printer.write(_OWN_LABEL, text, own=True)


def _signal_and_wait(
    processes: list[ManagedProcess], number: int, grace: float, hurry: threading.Event
) -> None:
    for process in processes:
        process.send(number)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and not hurry.is_set():
        for process in processes:
            process.has_ended()
        if all(process.pid is None for process in processes):
            return
        time.sleep(_POLL)


def _labels(nodes: tuple[NodeProcess, ...]) -> Iterator[str]:
    """A short name for each node, no two alike."""
    seen: Counter[str] = Counter()
    for node in nodes:
        name = node.name or node.executable
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"


def _reason(process: ManagedProcess, state: str) -> str:
    """What to say of a node that is not active."""
    if process.exit_code is not None:
        state = f"its process ended {describe_exit(process.exit_code)}"
    return f"{state}; started {process.starts} times" if process.starts > 1 else state
