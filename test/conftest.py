"""Where tests find real recordings and the authors' vectors."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: str) -> Path:
    return (ROOT / os.environ.get(variable, default)).resolve()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real recordings; whoever needs one skips where the folder is absent."""
    folder = _folder("SNN_ROS_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip(f"real recordings: no folder {folder} (set SNN_ROS_DATA)")
    return folder
