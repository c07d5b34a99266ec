"""Figures of a command as JSON, for ``--json FILE|-``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn_ros.errors import SnnRosError


class FiguresNotWritten(SnnRosError):
    """The file for the figures cannot be written."""


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", metavar="FILE|-", help="write the figures as JSON; - is standard output"
    )


def write_json(figures: Mapping[str, Any], target: str) -> None:
    """Write figures to a file, or to standard output for ``-``.

    Raises:
        FiguresNotWritten: the file system refuses.
    """
    text = json.dumps(figures, indent=1) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text)
    except OSError as err:
        raise FiguresNotWritten(f"{target}: cannot be written: {err.strerror}") from err
