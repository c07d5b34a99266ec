"""Every test here talks DDS and gets a domain of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_domain(ros_domain: int) -> int:
    return ros_domain


@pytest.fixture
def fixture_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prefix of a package ``fixtures`` whose executables are the files of launch_fixtures."""
    prefix = tmp_path / "prefix"
    marker = prefix / "share/ament_index/resource_index/packages/fixtures"
    marker.parent.mkdir(parents=True)
    marker.touch()
    (prefix / "lib").mkdir()
    (prefix / "lib/fixtures").symlink_to(Path(__file__).parent / "launch_fixtures")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix))
    return prefix
