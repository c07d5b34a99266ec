"""``snn-ros learn-places`` and ``evaluate place_recognition``: folders and recordings."""

import json

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from support.place_routes import Street

from snn_ros.bags import BagWriter
from snn_ros.cli import main
from snn_ros.cli.bag_topics import WrongTopics
from snn_ros.cli.evaluations.place_recognition import true_place
from snn_ros.cli.route_bags import seen_along
from snn_ros.geometry.rigid import rigid_transform
from snn_ros.place_recognition.route_folder import RouteError, read_route
from snn_ros.place_recognition.weights import load_map
from snn_ros.ros.conversions.geometry import OdometrySample, write_odometry
from snn_ros.ros.conversions.images import write_image, write_jpeg

PLACES = 40
STREET = Street(PLACES)


def write_picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[..., ::-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A route seen twice; names mean nothing, the table does."""
    folder = tmp_path_factory.mktemp("route")
    lines = ["query,reference,tolerance_frames"]
    for place in range(PLACES):
        query, reference = f"b/{99 - place}.png", f"a/{place * 7 % PLACES}.png"
        write_picture(folder / reference, STREET.image(place))
        write_picture(folder / query, STREET.image(place, noise=0.4))
        lines.append(f"{query},{reference},2")
    (folder / "ground_truth.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_bag(path, metres, compressed=False, noise=0.0, frame="map"):
    camera = "camera/image"
    kind = "sensor_msgs/msg/CompressedImage" if compressed else "sensor_msgs/msg/Image"
    with BagWriter(path) as bag:
        bag.add_topic(camera, kind)
        bag.add_topic("odometry", "nav_msgs/msg/Odometry")
        for k, metre in enumerate(metres):
            stamp = 1_000_000_000 + 100_000_000 * k
            sample = OdometrySample(
                stamp, frame, "base_link", rigid_transform([metre, 0, 0], [0, 0, 0, 1]),
                np.zeros(3), np.zeros(3), np.zeros((6, 6)), np.zeros((6, 6)),
            )  # fmt: skip
            pixels = STREET.image(metre, noise)
            image = write_image(pixels, "rgb8", stamp, "camera")
            if compressed:
                jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
                image = write_jpeg(jpeg, stamp, "camera")
            bag.write("odometry", stamp, serialize_message(write_odometry(sample)))
            bag.write(camera, stamp + 1, serialize_message(image))
    return path


def evaluated(capsys, *words):
    assert main(["evaluate", "place_recognition", *map(str, words), "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("profile", ["sad", "edge"])
def test_a_folder_is_taught_scored_and_drawn(folder, profile, tmp_path, capsys):
    report = evaluated(capsys, folder, "--profile", profile, "--pictures", tmp_path)
    scores = report["scores"]
    assert scores["recall_at_1"] <= scores["recall_at_1_pm2"]
    assert scores["recall_at_1_seq10"] >= 0.7
    assert 0.0 <= scores["accepted_wrong"] <= 0.05
    assert report["spikes"]["macs"] > 0
    assert report["latency_ms"]["p50"] > 0
    drawn = {file.stem for file in tmp_path.iterdir()}
    assert {"confusion_matrix", "precision_recall", "calibration", "match_00000"} <= drawn


def test_a_map_scores_as_what_is_taught_at_once(folder, tmp_path, capsys):
    path = tmp_path / "route.safetensors"
    assert main(["learn-places", str(folder), "--map", str(path), "--profile", "sad"]) == 0
    capsys.readouterr()
    by_map = evaluated(capsys, folder, "--profile", "sad", "--weights", path)["scores"]
    at_once = evaluated(capsys, folder, "--profile", "sad")["scores"]
    assert by_map == at_once
    assert load_map(path).places.spacing == pytest.approx(10.0)
    before = path.read_bytes()
    assert main(["learn-places", str(folder), "--map", str(path)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_second_drive_calibrates(folder, tmp_path):
    maps = [tmp_path / f"{name}.safetensors" for name in ("own", "second")]
    words = ["learn-places", str(folder), "--profile", "sad", "--map"]
    assert main([*words, str(maps[0])]) == 0
    assert main([*words, str(maps[1]), "--calibrate", str(folder)]) == 0
    own, second = (load_map(path).calibration for path in maps)
    assert not np.array_equal(own.margins, second.margins)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_recording_is_taught_and_another_one_scored(tmp_path, capsys, compressed):
    taught = write_bag(tmp_path / "first", np.arange(0, 40, 0.5), compressed)
    path = tmp_path / "route.safetensors"
    words = ["--map", str(path), "--profile", "sad", "--spacing", "1"]
    assert main(["learn-places", str(taught), *words]) == 0
    places = load_map(path).places
    np.testing.assert_allclose(places.poses[:, 0], np.arange(40))
    capsys.readouterr()
    asked = write_bag(tmp_path / "second", np.arange(5, 35, 0.5), compressed, noise=0.2)
    report = evaluated(capsys, asked, "--weights", path)
    assert report["scores"]["recall_at_1_pm2"] >= 0.9
    assert report["scores"]["recall_at_1_seq10_pm2"] >= 0.9
    assert main(["evaluate", "place_recognition", str(asked)]) == 1
    assert "needs --weights" in capsys.readouterr().err


def test_the_true_place_looks_the_same_way(tmp_path):
    path = write_bag(tmp_path / "bag", np.arange(0, 10.0))
    target = tmp_path / "m.safetensors"
    words = ["--map", str(target), "--profile", "sad", "--spacing", "1"]
    assert main(["learn-places", str(path), *words]) == 0
    places = load_map(target).places
    assert true_place(np.array([3.2, 0.3, 0, 0, 0, 0, 1.0]), places) == 3
    assert true_place(np.array([3.2, 0.3, 0, 0, 0, 1.0, 0]), places) is None  # turned round
    assert true_place(np.array([3.2, 5.0, 0, 0, 0, 0, 1.0]), places) is None


def test_what_cannot_be_used_is_named(folder, tmp_path):
    with pytest.raises(RouteError, match=r"ground_truth.csv: No such file"):
        read_route(tmp_path)
    (tmp_path / "ground_truth.csv").write_text("query,reference\nx.png,y.png\n")
    with pytest.raises(RouteError, match=r"line 2: query is 'x.png', not a file"):
        read_route(tmp_path)
    assert main(["learn-places", str(folder), "--map", str(tmp_path / "m"), "--spacing", "0"]) == 1
    path = write_bag(tmp_path / "bag", [0.0, 1.0])
    with pytest.raises(WrongTopics, match="no topic left"):
        next(seen_along(path, "left"))
    with pytest.raises(WrongTopics, match="odometry is nav_msgs/msg/Odometry"):
        next(seen_along(path, "odometry", "odometry"))


def test_a_map_of_another_route_is_refused(folder, tmp_path, capsys):
    path = tmp_path / "short.safetensors"
    (tmp_path / "few").mkdir()
    for place in range(3):
        write_picture(tmp_path / "few" / f"{place}.png", STREET.image(place))
    words = ["learn-places", str(tmp_path / "few"), "--map", str(path), "--profile", "sad"]
    assert main(words) == 0
    assert main(["evaluate", "place_recognition", str(folder), "--weights", str(path)]) == 1
    assert "3 places" in capsys.readouterr().err
