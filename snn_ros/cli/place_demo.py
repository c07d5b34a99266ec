"""The part of the demo in which a street is taught in summer and driven again in winter."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snn_ros import machine
from snn_ros.cli.route_views import photographed
from snn_ros.nodes.route_drive import RouteLog, Views, teach_and_drive
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.place_recognition.pictures import beside
from snn_ros.report import Report
from snn_ros.simulation.render import RendererError
from snn_ros.simulation.street.scenario import load_street_scenario

SYSTEM, PROFILE = "place_recognition", "edge"
_TAUGHT, _ASKED = "street_route_summer", "street_route_winter"
_SPACING = 4.0  # m between pictures
_END, _QUICK_END = 200.0, 90.0  # m along the route
_WIDTH = 128  # pixels
_PARKED = 20  # cars at most: meshes take most of the time
_NEAR = 2  # places that count as near
_TIMEOUT = 120.0  # s of wall time
_SHOWN = {
    "recall_at_1": "right place",
    "recall_at_1_pm2": "right, or two places away",
    "accepted": "accepted",
    "accepted_wrong": "accepted and wrong",
    "loop_closures": "loop closures",
}


@dataclass(frozen=True, eq=False)
class Route:
    """What came of both drives.

    Attributes:
        scores: by name, see ``_SHOWN``.
        latency_ms: p50 and p99 from image to answer.
        figure: a query beside its match.
    """

    scores: dict[str, float]
    latency_ms: dict[str, float]
    figure: Figure


def drive_route(folder: Path, *, quick: bool) -> Route | None:
    """Teach the node a simulated street while driving, come back in winter, and score it.

    Args:
        folder: of the report.
        quick: a shorter drive.

    Returns:
        None where no pictures can be rendered.
    """
    end = _QUICK_END if quick else _END
    print(f"driving {end:.0f} m of a street in summer, taught to the place recogniser, and winter")
    try:
        taught, asked = _seen(_TAUGHT, end), _seen(_ASKED, end)
    except RendererError as err:
        print(f"no route: {err}")
        return None
    parameters = folder / f"{SYSTEM}.yaml"
    parameters.write_text(
        "# among few places a margin says little; the whole drive so far says more\n"
        f"/**:\n  ros__parameters:\n    profile: {PROFILE}\n"
        f"    recognition:\n      filter: bayes\n    teaching:\n      spacing: {_SPACING}\n"
    )
    log = teach_and_drive(
        taught, asked, {"params_file": str(parameters.absolute())}, timeout=_TIMEOUT
    )
    scores = _scores(log, taught, asked)
    for name, title in _SHOWN.items():
        print(f"{scores[name]:10.4g}  {title}")
    latency = {f"p{p}": float(np.percentile(log.latency_ms, p)) for p in (50, 99)}
    return Route(scores, latency, _figure(log, taught, asked))


def figures_of(route: Route) -> dict[str, Any]:
    """The figures of the drives as every report has them."""
    return {
        "system": SYSTEM,
        "profile": PROFILE,
        "input": _ASKED,
        "scores": route.scores,
        "latency_ms": route.latency_ms,
        "machine": machine.describe(),
    }


def write_route(report: Report, route: Route) -> None:
    """Add the drives to the page."""
    report.text(
        "A simulated street is taught to the place recognition node in summer, a place every "
        f"{_SPACING:g} m, and driven again in winter with other cars; every image goes over DDS. "
        "Shares are of the images of the second drive. At its beginning, and on a short route, "
        "little is accepted: the filter needs a stretch to become sure."
    )
    report.figure("A place known again", route.figure)
    shown = [(title, f"{route.scores[name]:.4g}") for name, title in _SHOWN.items()]
    report.table("The second drive", ("figure", "value"), shown)


def _seen(name: str, end: float) -> Views:
    scenarios = share_directory(OWN_PACKAGE) / "config" / "scenarios"
    scenario = load_street_scenario(scenarios / f"{name}.yaml")
    traffic = dataclasses.replace(scenario.traffic, parked_at_most=_PARKED)
    scenario = dataclasses.replace(scenario, traffic=traffic)
    return Views(*photographed(scenario, _SPACING, end, _WIDTH, at_least=True))


def _scores(log: RouteLog, taught: Views, asked: Views) -> dict[str, float]:
    best = np.array([match.best for match in log.matches])
    away = np.abs(best - _true_places(taught, asked))
    away[best < 0] = len(taught.where)  # the image could not be used
    accepted = np.array([match.place >= 0 for match in log.matches])
    return {
        "recall_at_1": float((away == 0).mean()),
        "recall_at_1_pm2": float((away <= _NEAR).mean()),
        "accepted": float(accepted.mean()),
        "accepted_wrong": float((accepted & (away > _NEAR)).mean()),
        "loop_closures": float(len(log.loops)),
        "places": float(len(taught.where)),
        "images": float(len(best)),
    }


def _true_places(taught: Views, asked: Views) -> NDArray[np.int64]:
    return np.abs(taught.where[:, None] - asked.where).argmin(axis=0)


def _figure(log: RouteLog, taught: Views, asked: Views) -> Figure:
    """The image whose place is the surest."""
    image = int(np.argmax(np.nan_to_num([match.probability for match in log.matches])))
    match, true = log.matches[image], _true_places(taught, asked)[image]
    title = f"{asked.where[image]:.0f} m: place {match.best}, {match.status}"
    return beside(asked.images[image], taught.images[match.best], taught.images[int(true)], title)
