from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a launch file whose <launch> is line 1 and whose content begins on line 2."""

    def write(content: str, name: str = "test.launch.xml") -> Path:
        file = tmp_path / name
        file.write_text(f"<launch>\n{content}\n</launch>\n")
        return file

    return write


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """An environment with one installed package, demo, that has one executable, talker."""
    prefix = tmp_path / "prefix"
    marker = prefix / "share" / "ament_index" / "resource_index" / "packages" / "demo"
    marker.parent.mkdir(parents=True)
    marker.touch()
    (prefix / "share" / "demo").mkdir()
    executable = prefix / "lib" / "demo" / "talker"
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/usr/bin/env python3\n")
    return {"AMENT_PREFIX_PATH": str(prefix)}
