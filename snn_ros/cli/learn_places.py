"""Teach the places of a route and write a map.

INPUT is one of
  BAG  a recording with a camera and an odometry: a place every --spacing metres
  DIR  pictures: the references of its ground_truth.csv, else all pictures by name, each a place
       a --spacing after the last; such a map has no poses

The probabilities of the map are measured on its own disturbed pictures, or on the drive that
--calibrate names: the queries of a DIR with ground_truth.csv for the same places.

Example:
  snn-ros learn-places first_drive --map route.safetensors --image stereo/left/image
  snn-ros learn-places vpr_nordland --map nordland.safetensors --profile sad
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from snn_ros import machine
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.place_recognition import PlaceRecognizer
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.pipeline import PROFILES
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.route_folder import RouteError, pictures_in, read_picture, read_route
from snn_ros.place_recognition.self_test import calibrated, self_calibrated
from snn_ros.place_recognition.weights import MapError, PlaceMap, Places, no_places, save_map

_STANDING = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])  # pose of a place that has none


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("input", metavar="INPUT", type=Path, help="see above")
    parser.add_argument("--map", type=Path, required=True, metavar="FILE", help="to write")
    parser.add_argument(
        "--profile", default="edge", choices=sorted(PROFILES), help="which network (default: edge)"
    )
    parser.add_argument(
        "--spacing", type=float, default=10.0, metavar="M", help="between places (default: 10)"
    )
    parser.add_argument("--image", metavar="TOPIC", help="of the camera, if a BAG has several")
    parser.add_argument("--odometry", metavar="TOPIC", help="if a BAG has several")
    parser.add_argument("--calibrate", type=Path, metavar="DIR", help="see above")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Teach, calibrate, and write the map."""
    if arguments.map.exists():
        raise MapError(f"{arguments.map}: is there already; name another file or remove it")
    if not arguments.spacing > 0:
        raise MapError(f"--spacing = {arguments.spacing:g}: must be more than 0")
    recognizer = PlaceRecognizer.from_config(arguments.profile)
    pictures, places = _places(arguments, recognizer)
    began = time.perf_counter()
    recognizer.backend.learn(np.stack(pictures), np.arange(len(pictures)))
    seconds = time.perf_counter() - began
    calibration = _calibration(arguments.calibrate, recognizer)
    content = PlaceMap(recognizer.backend, recognizer.preprocessing, places, calibration)
    save_map(arguments.map, content, over=None)
    figures = {
        "places": float(len(pictures)),
        "teaching_s": seconds,
        "map_bytes": float(arguments.map.stat().st_size),
    }
    if arguments.json != "-":
        print(f"{arguments.map}: " + ", ".join(f"{k} {x:.6g}" for k, x in figures.items()))
    if arguments.json:
        report = {"system": "place_recognition", "profile": arguments.profile}
        report |= {"input": str(arguments.input), "output": str(arguments.map)}
        write_json(report | {"scores": figures, "machine": machine.describe()}, arguments.json)
    return 0


def _places(
    arguments: argparse.Namespace, recognizer: PlaceRecognizer
) -> tuple[list[Bytes], Places]:
    """Picture and pose of every place."""
    if arguments.input.is_dir() and not (arguments.input / "metadata.yaml").exists():
        paths = pictures_in(arguments.input)
        pictures = [recognizer.preprocessing(read_picture(path)) for path in paths]
        amount = len(paths)
        way = arguments.spacing * np.arange(amount)
        poses = np.tile(_STANDING, (amount, 1))
        return pictures, Places(poses, np.zeros((amount, 6, 6)), np.zeros(amount), way, "")
    from snn_ros.cli.route_bags import seen_along

    places, pictures, due = no_places(), [], float("-inf")
    for image, stamp, position in seen_along(arguments.input, arguments.image, arguments.odometry):
        view = recognizer.view(image, position.travelled)
        if position.travelled >= due and not view.fault:
            due = position.travelled + arguments.spacing
            pictures.append(view.picture)
            places = places.extended(position.pose, position.covariance, stamp, position.travelled)
    if not pictures:
        raise RouteError(f"{arguments.input}: no image that can be used after an odometry")
    return pictures, places


def _calibration(folder: Path | None, recognizer: PlaceRecognizer) -> Calibration:
    config = recognizer.config
    if folder is None:
        return self_calibrated(recognizer.backend, config.sequence, config.neighbours)
    route = read_route(folder)
    if len(route.references) != len(recognizer.backend):
        raise RouteError(
            f"{folder}: {len(route.references)} places, the map has {len(recognizer.backend)}"
        )
    pictures = np.stack([recognizer.preprocessing(read_picture(path)) for path in route.queries])
    drive = [(pictures, route.truth.argmax(axis=0))]
    return calibrated(recognizer.backend, drive, config.sequence, config.neighbours)
