"""The launcher with real processes, and with real nodes over DDS."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from snn_ros.cli import main
from snn_ros.ros.launcher.errors import LaunchError, NotActiveError
from snn_ros.ros.launcher.run import LaunchSession

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _logs_and_package(
    fixture_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a launch file; <process>, <lifecycle_node> and <plain_node> are the fixtures' nodes."""

    def write(content: str) -> Path:
        for kind in ("process", "lifecycle_node", "plain_node"):
            node = f'<node pkg="fixtures" exec="{kind}.py" output="screen"'
            content = content.replace(f"<{kind}", node).replace(f"</{kind}>", "</node>")
        file = tmp_path / "test.launch.xml"
        file.write_text(f"<launch>{content}</launch>")
        return file

    return write


def until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class TestProcesses:
    def test_lines_carry_the_name_of_their_node(self, write: Write) -> None:
        output = io.StringIO()
        file = write('<process name="a" args="--after 0"/><process args="--after 0"/>')
        with LaunchSession(file, output=output) as session:
            assert session.wait_ended(timeout=10.0)
        lines = output.getvalue().splitlines()
        for label in ("a", "process.py"):
            assert f"[{label}] to standard output" in lines
            assert f"[{label}] to standard error" in lines
            assert f"[{label}] ended with exit code 0" in lines
        assert (session.exit_code, session.outcome) == (0, "all ended")

    def test_output_log_puts_standard_output_into_a_file(
        self, write: Write, tmp_path: Path
    ) -> None:
        output = io.StringIO()
        file = write('<process name="a" args="--after 0"/>')
        file.write_text(file.read_text().replace("screen", "log"))
        with LaunchSession(file, output=output) as session:
            assert session.wait_ended(timeout=10.0)
        assert "[a] to standard error" in output.getvalue()
        assert "to standard output" not in output.getvalue()
        assert (tmp_path / "log" / "a-stdout.log").read_text() == "to standard output\n"

    def test_variables_of_the_file_and_our_defaults_reach_the_process(self, write: Write) -> None:
        output = io.StringIO()
        file = write("""
        <set_env name="A" value="1"/>
        <process name="a" args="--after 0 --variable A"/>
        <process name="b" args="--after 0 --variable A"><env name="A" value="2"/></process>
        <process name="c" args="--after 0 --variable OMP_WAIT_POLICY"/>""")
        with LaunchSession(file, output=output) as session:
            assert session.wait_ended(timeout=10.0)
        assert {"[a] A=1", "[b] A=2", "[c] OMP_WAIT_POLICY=PASSIVE"} <= set(
            output.getvalue().splitlines()
        )

    def test_a_process_is_restarted_after_its_delay(self, write: Write) -> None:
        file = write('<process args="--after 0" respawn="true" respawn_delay="0.5"/>')
        with LaunchSession(file, output=io.StringIO()) as session:
            (process,) = session.processes
            until(lambda: process.starts == 1 and process.exit_code == 0)
            began = time.monotonic()
            until(lambda: process.starts == 2)
            assert 0.4 < time.monotonic() - began < 2.0
            until(lambda: process.starts == 3)
        assert process.pid is None

    @pytest.mark.parametrize("code", [0, 3])
    def test_the_launch_ends_with_a_required_process(self, write: Write, code: int) -> None:
        file = write(
            f'<process name="a" args="--after 0.3 --exit-code {code}" on_exit="shutdown"/>'
            '<process name="b" respawn="true"/>'
        )
        with LaunchSession(file, output=io.StringIO()) as session:
            assert session.wait_ended(timeout=10.0)
            assert session.exit_code == (1 if code else 0)
            assert session.outcome == f"a, which is required, ended with exit code {code}"
            assert all(process.pid is None for process in session.processes)

    def test_a_failed_process_alone_fails_the_launch(self, write: Write) -> None:
        file = write('<process name="a" args="--after 0 --exit-code 5"/>')
        with LaunchSession(file, output=io.StringIO()) as session:
            assert session.wait_ended(timeout=10.0)
        assert (session.exit_code, session.outcome) == (1, "failed: a")

    def test_stop_ends_the_process_and_its_children(self, write: Write) -> None:
        output = io.StringIO()
        with LaunchSession(write('<process name="a" args="--child"/>'), output=output) as session:
            until(lambda: "to standard error" in output.getvalue())
            pid = session.processes[0].pid
            child = int(re.search(r"child (\d+)", output.getvalue())[1])
        assert "[a] got SIGINT" in output.getvalue()
        assert gone(pid)
        until(lambda: gone(child))

    def test_a_process_that_does_not_stop_is_killed(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("snn_ros.ros.launcher.run.STOP_GRACE", 0.5)
        output = io.StringIO()
        with LaunchSession(
            write('<process name="a" args="--stubborn"/>'), output=output
        ) as session:
            until(lambda: "to standard error" in output.getvalue())
        assert session.exit_code == 1
        assert session.outcome == "killed, because it did not stop: a"
        assert session.processes[0].exit_code == -signal.SIGKILL

    def test_missing_packages_and_executables_start_nothing(self, write: Write) -> None:
        with pytest.raises(Exception, match=r"no executable 'none' .*\(there is .*lifecycle_node"):
            LaunchSession(write('<process/><node pkg="fixtures" exec="none"/>'))
        with pytest.raises(Exception, match="no package 'nowhere'"):
            LaunchSession(write('<node pkg="nowhere" exec="none"/>'))
        with pytest.raises(LaunchError, match="no node to start"):
            LaunchSession(write(""))

    def test_a_file_that_cannot_be_run_starts_nothing(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "prefix/lib/fixtures").unlink()
        folder = tmp_path / "prefix/lib/fixtures"
        folder.mkdir()
        (folder / "broken").write_bytes(b"\x7fELF nonsense")
        (folder / "broken").chmod(0o755)
        with pytest.raises(LaunchError, match="could not be started"):
            LaunchSession(write('<node pkg="fixtures" exec="broken"/>')).start()


class TestNodes:
    def test_waits_until_all_are_active(self, write: Write) -> None:
        file = write("""
        <lifecycle_node name="one"/> <lifecycle_node name="two" namespace="deep/er"/>
        <plain_node name="three"/> <plain_node/>""")
        with LaunchSession(file, output=io.StringIO()) as session:
            session.wait_active(timeout=30.0)

    def test_names_those_that_are_not_with_their_own_last_error(self, write: Write) -> None:
        file = write("""
        <lifecycle_node name="good"/>
        <lifecycle_node name="bad"><param name="state" value="unconfigured"/></lifecycle_node>
        <process name="mute"/>""")
        with (
            LaunchSession(file, output=io.StringIO()) as session,
            pytest.raises(NotActiveError) as caught,
        ):
            session.wait_active(timeout=6.0)
        assert caught.value.reasons == {
            "/bad": "unconfigured (no weights)",
            "/mute": "not in the graph",
        }

    def test_does_not_wait_for_a_process_that_ended(self, write: Write) -> None:
        file = write('<process name="a" args="--after 0.5 --exit-code 4"/><process name="b"/>')
        with LaunchSession(file, output=io.StringIO()) as session:
            began = time.monotonic()
            with pytest.raises(NotActiveError) as caught:
                session.wait_active(timeout=60.0)
            assert time.monotonic() - began < 20.0
        assert caught.value.reasons["/a"] == "its process ended with exit code 4"

    def test_a_killed_node_comes_back_and_becomes_active(self, write: Write) -> None:
        file = write('<lifecycle_node name="a" respawn="true" respawn_delay="0.2"/>')
        with LaunchSession(file, output=io.StringIO()) as session:
            session.wait_active(timeout=30.0)
            (process,) = session.processes
            first = process.pid
            os.kill(first, signal.SIGKILL)
            until(lambda: process.starts == 2 and process.pid is not None)
            assert process.pid != first
            session.wait_active(timeout=30.0)

    def test_parameters_arrive_as_they_were_written(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text("/**: {ros__parameters: {from_file: 1, both: file}}")
        values = """
            <param from="$(dirname)/p.yaml"/>
            <param name="both" value="launch"/>
            <param name="quoted" value="1" type="str"/>
            <param name="nasty" value="yes: [no], {y} # &quot;'\\\\ é" type="str"/>
            <param name="empty" value=""/>
            <param name="words" value="[y, n, '1']"/>
            <param name="floats" value="[1.0, 1.0e-7, 2.5e+20]"/>
            <param name="infinite" value=".inf"/>
            <param name="flag" value="true"/>
            <param name="nested"><param name="deep" value="-3"/></param>"""
        output = io.StringIO()
        with LaunchSession(
            write(f'<lifecycle_node name="a">{values}</lifecycle_node>'), output=output
        ):
            until(lambda: "from_file" in output.getvalue(), 20.0)
        line = next(line for line in output.getvalue().splitlines() if "from_file" in line)
        assert json.loads(line.removeprefix("[a] ")) == {
            "from_file": 1,
            "both": "launch",
            "quoted": "1",
            "nasty": "yes: [no], {y} # \"'\\ é",
            "empty": "",
            "words": ["y", "n", "1"],
            "floats": [1.0, 1e-7, 2.5e20],
            "infinite": float("inf"),
            "flag": True,
            "nested.deep": -3,
        }


class TestCommand:
    @pytest.fixture
    def launcher(self) -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
        started: list[subprocess.Popen[str]] = []

        def launch(file: Path) -> subprocess.Popen[str]:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "snn_ros.cli", "launch", str(file)],
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            )
            return started[-1]

        yield launch
        for process in started:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=20)

    @staticmethod
    def pids_once_active(launcher: subprocess.Popen[str], nodes: int) -> list[int]:
        """The nodes' process ids, once the launcher has said that all are active."""
        lines = []
        for line in launcher.stdout:
            lines.append(line)
            if "all nodes are active" in line:
                break
        pids = [int(found) for found in re.findall(r"started, process (\d+)", "".join(lines))]
        assert len(pids) == nodes
        return pids

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_passes_signals_on_and_leaves_nothing_behind(
        self, write: Write, launcher: Callable[..., subprocess.Popen[str]], number: signal.Signals
    ) -> None:
        process = launcher(write('<lifecycle_node name="a"/><process/>'))
        pids = self.pids_once_active(process, 2)
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert f"got {number.name}" in output
        assert all(map(gone, pids))

    def test_killed_it_takes_the_nodes_along(
        self, write: Write, launcher: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = launcher(write('<lifecycle_node name="a"/><process respawn="true"/>'))
        pids = self.pids_once_active(process, 2)
        process.kill()
        until(lambda: all(map(gone, pids)))

    def test_a_second_signal_does_not_wait(
        self, write: Write, launcher: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = launcher(write('<lifecycle_node name="a"/><process args="--stubborn"/>'))
        pids = self.pids_once_active(process, 2)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(timeout=20) == 1
        assert time.monotonic() - began < 4.0
        assert all(map(gone, pids))

    def test_fails_when_a_required_node_does(
        self, write: Write, launcher: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = launcher(
            write(
                '<lifecycle_node name="a"/>'
                '<process name="b" args="--after 1 --exit-code 7" on_exit="shutdown"/>'
            )
        )
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "[launch] b, which is required, ended with exit code 7" in output

    def test_reports_a_node_that_does_not_become_active(
        self, write: Write, launcher: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = launcher(
            write(
                '<lifecycle_node name="bad"><param name="state" value="unconfigured"/>'
                "</lifecycle_node>"
            )
        )
        began = time.monotonic()
        line = next(line for line in process.stdout if "not active" in line)
        assert time.monotonic() - began < 20.0  # it does not wait for its 30 s
        assert "/bad: unconfigured (no weights)" in line

    def test_print_and_show_args_start_nothing(
        self, write: Write, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = write('<arg name="n" default="x" description="a name"/><process name="$(var n)"/>')
        assert main(["launch", str(file), "n:=y", "--print"]) == 0
        assert "process.py --ros-args -r __node:=y" in capsys.readouterr().out
        assert main(["launch", str(file), "--show-args"]) == 0
        assert capsys.readouterr().out == "n (default 'x')\n    a name\n"

    def test_a_wrong_argument_is_a_wrong_call(
        self, write: Write, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = write('<arg name="namespace" default=""/><process/>')
        assert main(["launch", str(file), "namespce:=a"]) == 2
        assert "no argument 'namespce'; declared are namespace" in capsys.readouterr().err
        with pytest.raises(SystemExit) as caught:
            main(["launch", str(file), "namespace=a"])
        assert caught.value.code == 2
        assert main(["launch", "none.launch.xml"]) == 1
