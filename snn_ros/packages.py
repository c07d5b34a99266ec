"""Where installed packages keep their files: share folders and node executables.

A prefix is a folder with ``share/`` and ``lib/`` below it: an entry of AMENT_PREFIX_PATH, or the
Python environment, where pip puts ROS packages and forgets that variable. Our own package in an
editable install is read from its source tree, so that edited files count at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import snn_ros
from snn_ros.errors import SnnRosError

OWN_PACKAGE = "snn_ros"
_CHECKOUT = Path(snn_ros.__file__).resolve().parent.parent
SOURCE_TREE = _CHECKOUT if (_CHECKOUT / "package.xml").is_file() else None
"""The source tree this package runs from; None when it is installed."""


class PackageNotFoundError(SnnRosError):
    """Raised when no prefix has a package."""


class ExecutableNotFoundError(SnnRosError):
    """Raised when a package has no such executable."""


def prefixes(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The prefixes, first one first."""
    listed = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return [Path(entry) for entry in dict.fromkeys([*filter(None, listed), sys.prefix])]


def share_directory(package: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with a package's launch files, parameters and models.

    Raises:
        PackageNotFoundError: no prefix has it.
    """
    if package == OWN_PACKAGE and SOURCE_TREE is not None:
        return SOURCE_TREE
    return _prefix(package, environment) / "share" / package


def find_executable(
    package: str, executable: str, environment: Mapping[str, str] = os.environ
) -> Path:
    """The file of a node executable.

    Raises:
        PackageNotFoundError: no prefix has the package.
        ExecutableNotFoundError: the package has no such executable.
    """
    if package == OWN_PACKAGE and SOURCE_TREE is not None:
        folder = SOURCE_TREE / "nodes"
    else:
        folder = _prefix(package, environment) / "lib" / package
    file = folder / executable
    if Path(executable).name == executable and file.is_file():
        return file
    there = sorted(f.name for f in folder.iterdir() if f.is_file()) if folder.is_dir() else []
    raise ExecutableNotFoundError(
        f"no executable {executable!r} of package {package!r} in {folder}"
        f" ({'there is ' + ', '.join(there) if there else 'which has none'})"
    )


def _prefix(package: str, environment: Mapping[str, str]) -> Path:
    searched = prefixes(environment)
    for prefix in searched:
        if (prefix / "share" / "ament_index" / "resource_index" / "packages" / package).is_file():
            return prefix
    raise PackageNotFoundError(
        f"no package {package!r} in {', '.join(map(str, searched))} (AMENT_PREFIX_PATH and the "
        "Python environment)"
    )
