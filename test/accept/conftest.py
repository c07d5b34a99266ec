"""Full-size acceptance cases: figures go to build/accept/<system>.json, case by case.

``make accept`` runs them; a case that passed at this commit is not run again.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from snn_ros import machine

ROOT = Path(__file__).resolve().parent.parent.parent
OUTPUT = ROOT / "build" / "accept"
SEED = 20261120


def _commit() -> str:
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result.stdout.strip() or "unknown"


def _path(item: pytest.Item) -> Path:
    return OUTPUT / f"{item.path.stem.removeprefix('test_')}.json"


def _load(path: Path, commit: str) -> dict:
    if path.exists():
        report = json.loads(path.read_text())
        if report["commit"] == commit:
            return report
    return {"commit": commit, "seed": SEED, "machine": machine.describe(), "cases": {}}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    commit = _commit()
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue
        item.add_marker(pytest.mark.accept)
        item.add_marker(pytest.mark.timeout(0))
        done = _load(_path(item), commit)["cases"].get(item.name, {})
        if done.get("passed") and not commit.endswith("-dirty"):
            item.add_marker(pytest.mark.skip(reason=f"passed before at {commit}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.stash[_passed] = report.passed


_passed: pytest.StashKey[bool] = pytest.StashKey()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[dict]:
    """What the case measured; kept whether it passed or not."""
    found: dict = {}
    began = time.monotonic()
    yield found
    path = _path(request.node)
    report = _load(path, _commit())
    report["cases"][request.node.name] = {
        "passed": request.node.stash.get(_passed, False),
        "seconds": round(time.monotonic() - began, 1),
        "figures": found,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1))


@pytest.fixture(scope="session")
def seed() -> int:
    return SEED
