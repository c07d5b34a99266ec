"""Where recordings and vectors are, and for tests that talk DDS a domain, a probe and processes."""

import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.ros_graph import NodeProcess, Probe

ROOT = Path(__file__).resolve().parent.parent

# A shell starts background jobs with SIGINT ignored, and the processes of the tests inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Triton's kernels run on the CPU here; it must know before it is imported.
os.environ.setdefault("TRITON_INTERPRET", "1")

# Domains 1..101 are safe on Linux; runs in parallel start at different ones.
_domains = itertools.cycle(range(1, 101))
for _ in range(os.getpid() % 100):
    next(_domains)


def _folder(variable: str, default: str) -> Path:
    return (ROOT / os.environ.get(variable, default)).resolve()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real recordings; whoever needs one skips where the folder is absent."""
    folder = _folder("SNN_ROS_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder} (set SNN_ROS_DATA)")
    return folder


@pytest.fixture(scope="session")
def parity_dir() -> Path:
    """The folder of the authors' vectors; whoever needs them skips where the folder is absent."""
    folder = _folder("SNN_ROS_PARITY_DIR", "../shared/parity")
    if not folder.is_dir():
        pytest.skip(f"authors' vectors: no folder {folder} (set SNN_ROS_PARITY_DIR)")
    return folder


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """A ROS domain for this test and the processes it starts; nothing leaves the host."""
    domain = next(_domains)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("AMENT_PREFIX_PATH", sys.prefix)
    monkeypatch.setenv(
        "FASTRTPS_DEFAULT_PROFILES_FILE", str(ROOT / "config" / "dds" / "fastdds.xml")
    )
    return domain


@pytest.fixture
def probe(ros_domain: int) -> Iterator[Probe]:
    """A node of the test in the test's domain."""
    probe = Probe(ros_domain)
    yield probe
    probe.close()


@pytest.fixture
def start_node(tmp_path: Path, ros_domain: int) -> Iterator[Callable[..., NodeProcess]]:
    """Start executables (a path, or a name in nodes/) that are gone when the test ends."""
    started: list[NodeProcess] = []

    def start(executable: str | Path, *arguments: str) -> NodeProcess:
        path = Path(executable)
        if not path.is_absolute():
            path = ROOT / "nodes" / path
        log = tmp_path / f"{path.name}.{len(started)}.log"
        started.append(NodeProcess(path, arguments, log))
        return started[-1]

    yield start
    for node in started:
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()
