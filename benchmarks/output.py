"""How every benchmark takes its one option and gives out its figures."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping

from snn_ros import machine
from snn_ros.cli.figures import add_json_option, write_json


def json_target(description: str | None) -> str | None:
    """Where the figures shall go as JSON: a file, ``-`` for standard output, or nowhere."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    add_json_option(parser)
    target: str | None = parser.parse_args().json
    return target


def publish(
    system: str,
    measured: str,
    scores: Mapping[str, float],
    target: str | None,
    lines: Iterable[str] | None = None,
) -> None:
    """Print the figures, and write them as JSON where asked.

    Args:
        system: what was measured.
        measured: on which input.
        scores: figures by name; one that is not finite becomes null.
        target: as ``json_target`` gave it; ``-`` keeps standard output free of all but JSON.
        lines: how to print the figures; by default one line each.
    """
    if target != "-":
        print(machine.describe())
        width = max(map(len, scores), default=0) + 2
        print("\n".join(lines or (f"{name:{width}}{x:12.4g}" for name, x in scores.items())))
    if target:
        figures = {
            "system": system,
            "input": measured,
            "scores": {name: x if math.isfinite(x) else None for name, x in scores.items()},
            "machine": machine.describe(),
        }
        write_json(figures, target)
