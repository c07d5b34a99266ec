"""Scenario files: found by name, read as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from snn_ros.errors import SnnRosError


class ScenarioError(SnnRosError):
    """A scenario file cannot be read."""


def find_scenario(name_or_file: str, folder: Path) -> Path:
    """The file of a scenario.

    Args:
        name_or_file: a name such as ``blimp_quick``, or the path of a YAML file.
        folder: where the named scenarios are.

    Raises:
        ScenarioError: there is none of that name; lists those there are.
    """
    if name_or_file.endswith((".yaml", ".yml")):
        return Path(name_or_file)
    file = folder / f"{name_or_file}.yaml"
    if Path(name_or_file).name == name_or_file and file.is_file():
        return file
    known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
    raise ScenarioError(f"scenario = {name_or_file!r}: no such scenario in {folder}, only {known}")


def read_scenario(path: Path | str) -> Any:
    """The plain data of a scenario file.

    Raises:
        ScenarioError: the file is absent or not YAML.
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as err:
        raise ScenarioError(f"{path}: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ScenarioError(f"{path}: not YAML: {err}") from err
