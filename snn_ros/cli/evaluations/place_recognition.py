"""Score place recognition on a route of pictures or on a recorded drive."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snn_ros.cli.evaluations.evaluation import Evaluation, latency_ms
from snn_ros.errors import SnnRosError
from snn_ros.metrics.plots import plot_precision_recall
from snn_ros.place_recognition import PlaceRecognizer
from snn_ros.place_recognition.evaluation import Drive, RouteScores, driven, scored
from snn_ros.place_recognition.pictures import beside, calibration_plot, confusion_matrix
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.route_folder import RouteError, read_picture, read_route
from snn_ros.place_recognition.self_test import self_calibrated
from snn_ros.place_recognition.weights import Places, load_map

_SHOWN = 6  # queries that are drawn beside their match
_SAME_WAY = 0.0  # cosine between headings above which the camera looks the same way


class NotScored(SnnRosError):
    """An input and a map do not belong together."""


@dataclass(eq=False)
class _Asked:
    """A drive and what is known about it.

    Attributes:
        recognizer: taught.
        drive: its answers.
        truth: (P, Q).
        shown: some images by their number, to be drawn.
        references: picture files of the places; the small pictures of the map if None.
    """

    recognizer: PlaceRecognizer
    drive: Drive
    truth: NDArray[np.bool_]
    shown: dict[int, Bytes]
    references: tuple[Path, ...] | None


def evaluate(arguments: argparse.Namespace) -> Evaluation:
    """Ask about every image of the input, score, and draw if asked to."""
    path = Path(arguments.input)
    is_folder = path.is_dir() and not (path / "metadata.yaml").exists()
    asked = _folder(path, arguments) if is_folder else _recording(path, arguments)
    found = scored(asked.recognizer, asked.drive, asked.truth)
    if arguments.pictures is not None:
        _draw(arguments.pictures, asked, found)
    some = next(iter(asked.shown.values()))
    activity = asked.recognizer.spike_activity(asked.recognizer.view(some))
    columns = ("places", "images", "with a place", "accepted", "wrong")
    accepted = [m.place >= 0 for m in asked.drive.matches]
    wrong = round(found.figures["accepted_wrong"] * len(accepted))
    places, images = asked.truth.shape
    row = (places, images, int(asked.truth.any(axis=0).sum()), sum(accepted), wrong)
    milliseconds = asked.drive.durations * 1e3
    return Evaluation(found.figures, latency_ms(milliseconds), activity.figures(), columns, [row])


def _folder(path: Path, arguments: argparse.Namespace) -> _Asked:
    route = read_route(path)
    if arguments.weights:
        recognizer = PlaceRecognizer.of_map(load_map(arguments.weights))
        if len(recognizer.backend) != len(route.references):
            raise NotScored(
                f"{arguments.weights}: {len(recognizer.backend)} places, {path} has "
                f"{len(route.references)}"
            )
    else:
        recognizer = PlaceRecognizer.from_config(arguments.profile)
        references = [read_picture(file) for file in route.references]
        recognizer.teach(references, np.arange(len(references)))
        config = recognizer.config
        recognizer.calibration = self_calibrated(
            recognizer.backend, config.sequence, config.neighbours
        )
    spacing = recognizer.config.sequence.spacing
    shown = _Shown(len(route.queries))
    images = ((read_picture(file), spacing * k) for k, file in enumerate(route.queries))
    drive = driven(recognizer, shown.kept(images))
    return _Asked(recognizer, drive, route.truth, shown.images, route.references)


def _recording(path: Path, arguments: argparse.Namespace) -> _Asked:
    from snn_ros.cli.route_bags import Seen, seen_along

    if not arguments.weights:
        raise NotScored(f"{path}: a recording needs --weights MAP, see snn-ros learn-places")
    taught = load_map(arguments.weights)
    if not taught.places.frame:
        raise NotScored(f"{arguments.weights}: its places have no poses to score a recording with")
    recognizer = PlaceRecognizer.of_map(taught)
    truths = []

    def images(seen: Iterable[Seen]) -> Iterator[tuple[Bytes, float]]:
        for image, _, position in seen:
            truths.append(true_place(position.pose, taught.places))
            yield image, position.travelled

    shown = _Shown(200)
    along = seen_along(path, arguments.image, arguments.odometry)
    drive = driven(recognizer, shown.kept(images(along)))
    if not drive.matches:
        raise RouteError(f"{path}: no image after an odometry")
    truth = np.zeros((len(recognizer.backend), len(truths)), dtype=bool)
    for image, place in enumerate(truths):
        if place is not None:
            truth[place, image] = True
    return _Asked(recognizer, drive, truth, shown.images, None)


def true_place(pose: NDArray[np.float64], places: Places) -> int | None:
    """The place nearest to a pose; None if all are more than a spacing away or look another way.

    Args:
        pose: (7,) in the frame of the map.
        places: of the map.
    """
    distance = np.linalg.norm(places.poses[:, :3] - pose[:3], axis=1)
    alike = _ahead(places.poses) @ _ahead(pose[None])[0] > _SAME_WAY
    distance[~alike] = np.inf
    nearest = int(distance.argmin())
    return nearest if distance[nearest] <= places.spacing else None


def _ahead(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(poses[:, 3:]).apply([1.0, 0.0, 0.0])


class _Shown:
    """Keeps some of the images that pass by, to draw them later."""

    def __init__(self, expected: int) -> None:
        self.images: dict[int, Bytes] = {}
        self._every = max(expected // _SHOWN, 1)

    def kept(self, images: Iterable[tuple[Bytes, float]]) -> Iterator[tuple[Bytes, float]]:
        for number, (image, way) in enumerate(images):
            if number % self._every == 0 and len(self.images) < _SHOWN:
                self.images[number] = image
            yield image, way


def _draw(folder: Path, asked: _Asked, found: RouteScores) -> None:
    matches = asked.drive.matches
    best = np.array([match.best for match in matches])
    figures: dict[str, Figure] = {
        "confusion_matrix": confusion_matrix(asked.drive.scores, best, asked.truth),
        "precision_recall": plot_precision_recall(found.curves, "over the margin, ±2 places"),
    }
    if found.calibration is not None:
        figures["calibration"] = calibration_plot(found.calibration)
    for number, image in asked.shown.items():
        match, true = matches[number], asked.truth[:, number].nonzero()[0]
        title = f"image {number}: place {match.best}, {match.status}"
        pictures = [_picture(asked, int(p)) for p in (match.best, *true[:1]) if p >= 0]
        if pictures:
            figures[f"match_{number:05}"] = beside(
                image, pictures[0], pictures[1] if len(pictures) > 1 else None, title
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png", dpi=110)
    except OSError as err:
        raise NotScored(f"{folder}: cannot be written: {err.strerror or err}") from err


def _picture(asked: _Asked, place: int) -> Bytes:
    if asked.references is not None:
        return read_picture(asked.references[place])
    return asked.recognizer.backend.templates[place]
