"""Accuracy of place recognition on real routes, taught by one traverse, and its speed.

Example: ``python -m benchmarks.place_recognition --json -``. Routes are ``vpr_nordland`` (300
places, summer and winter) and ``vpr_gardens_point`` (100 places, two walks on different sides of
the path) in ``SNN_ROS_DATA`` (default ``../shared/data``). Settings were chosen on Nordland's first
100 places and on simulated streets; the rest was scored once they were fixed.

``hybrid_*`` adds the standardised scores of a network and of the pictures alone (``sad``). The
spiking ensemble (``paper``) learns such routes too slowly and is left out here; of it, only the
speed is measured, on made-up modules.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.output import json_target, publish
from snn_ros.place_recognition import PlaceRecognizer
from snn_ros.place_recognition.evaluation import matrix_figures
from snn_ros.place_recognition.route_folder import RouteFolder, read_picture, read_route
from snn_ros.place_recognition.sequence import standardised
from snn_ros.place_recognition.speed import measure

DATA = Path(os.environ.get("SNN_ROS_DATA", "../shared/data"))
ROUTES = ("vpr_nordland", "vpr_gardens_point")
NETWORKS = ("edge", "tempo")
BASELINE = "sad"


def score_matrix(profile: str, route: RouteFolder) -> NDArray[np.float64]:
    """(P, Q) of single images, where the references were taught once."""
    recognizer = PlaceRecognizer.from_config(profile)
    references = [read_picture(file) for file in route.references]
    recognizer.teach(references, np.arange(len(references)))
    pictures = [recognizer.preprocessing(read_picture(file)) for file in route.queries]
    scores = np.stack([recognizer.backend.score(picture) for picture in pictures], axis=1)
    return scores.astype(np.float64)


def accuracy(folder: Path) -> dict[str, dict[str, float]]:
    """Figures of one route by method, see ``evaluation.matrix_figures``."""
    route = read_route(folder)
    config = PlaceRecognizer.from_config().config
    travelled = config.sequence.spacing * np.arange(len(route.queries), dtype=np.float64)
    matrices: dict[str, NDArray[np.float64]] = {
        name: score_matrix(name, route) for name in (*NETWORKS, BASELINE)
    }
    pictures = standardised(matrices[BASELINE])
    for name in NETWORKS:
        matrices[f"hybrid_{name}"] = standardised(matrices[name]) + pictures
    return {
        name: matrix_figures(scores, travelled, route.truth, config)[0]
        for name, scores in matrices.items()
    }


def main() -> None:
    """Measure, print, and write the figures where asked."""
    target = json_target(__doc__)
    figures: dict[str, float] = {}
    for name in ROUTES:
        if not (DATA / name).is_dir():
            continue
        for method, found in accuracy(DATA / name).items():
            figures |= {f"{name}_{method}_{figure}": value for figure, value in found.items()}
    publish("place_recognition", str(DATA), figures | measure(), target)


if __name__ == "__main__":
    main()
