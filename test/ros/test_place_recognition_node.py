"""The place recognition node over DDS: teaching, answers, loops, maps, and every fault named."""

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.srv import GetState
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool, Trigger
from support.place_routes import Street

from snn_ros.geometry.rigid import rigid_transform
from snn_ros.msg import LoopClosure, PlaceMatch, SpikeActivity
from snn_ros.place_recognition import PlaceRecognizer
from snn_ros.place_recognition.odometer import Odometer
from snn_ros.place_recognition.online import OnlineConfig, OnlineRecognizer
from snn_ros.place_recognition.teacher import TeachingConfig
from snn_ros.place_recognition.weights import load_map, save_map
from snn_ros.ros.conversions.geometry import OdometrySample, write_odometry
from snn_ros.ros.conversions.images import write_image, write_jpeg
from snn_ros.ros.conversions.stamps import read_stamp
from snn_ros.ros.qos import RESULT, SENSOR
from snn_ros.srv import MapFile, QueryPlaces

NAME = "/place_recognition"
WARN = str(DiagnosticStatus.WARN[0])
STREET = Street(40)
NO_COVARIANCE = np.zeros((6, 6))


def arguments(**values):
    given = {
        "profile": "sad",
        "slow_ms": 60000.0,
        "recognition.sequence.length": 3,
        "recognition.sequence.slopes": "[1.0,-1.0]",
        "teaching.spacing": 1.0,
        "loops.exclusion": 15.0,
    } | values
    return ("--ros-args", *(a for n, v in given.items() for a in ("-p", f"{n}:={v}")))


def seen_at(match):
    return read_stamp(match.header.stamp)


class Robot:
    """A node, a camera and an odometry that drive along the street."""

    def __init__(self, probe, start_node, compressed=False, **values):
        self.probe, self.start_node, self.compressed = probe, start_node, compressed
        image_type = CompressedImage if compressed else Image
        self.camera = probe.speak(f"{NAME}/input/image", image_type, SENSOR)
        self.odometry = probe.speak(f"{NAME}/input/odometry", Odometry, SENSOR)
        self.matches = probe.hear(f"{NAME}/output/match", PlaceMatch, RESULT)
        self.poses = probe.hear(f"{NAME}/output/pose", PoseWithCovarianceStamped, RESULT)
        self.loops = probe.hear(f"{NAME}/output/loop_closure", LoopClosure, RESULT)
        self.asking = probe.node.create_client(GetState, f"{NAME}/get_state")
        self.stamp_ns = 1_000_000_000
        self.start(**values)

    def start(self, active=True, **values):
        if self.compressed:
            values["compressed"] = True
        self.node = self.start_node("place_recognition_node", *arguments(**values))
        if active:
            self.probe.wait_active(NAME, timeout=60.0)
            self.connect()

    def connect(self):
        self.probe.wait(
            lambda: (
                all(topic.get_subscription_count() for topic in (self.camera, self.odometry))
                and all(
                    self.probe.node.count_publishers(f"{NAME}/output/{name}")
                    for name in ("match", "pose", "loop_closure")
                )
                and self.asking.service_is_ready()
            )
        )
        self.probe.spin(0.2)

    def send(self, pixels, metre=None, frame="odom"):
        """An image, and the odometry at its stamp if there is one; the answer."""
        self.stamp_ns += 100_000_000
        if metre is not None:
            pose = rigid_transform([metre, 0, 0], [0, 0, 0, 1])
            sample = OdometrySample(
                self.stamp_ns, frame, "base_link", pose, np.zeros(3), np.zeros(3),
                NO_COVARIANCE, NO_COVARIANCE,
            )  # fmt: skip
            self.odometry.publish(write_odometry(sample))
            asked = self.asking.call_async(GetState.Request())
            self.probe.wait(asked.done)  # whoever answers this has read what came before
        for _ in range(20):
            self.camera.publish(self.message(pixels))
            for _ in range(50):
                self.probe.spin(0.02)
                if answers := [m for m in self.matches if seen_at(m) == self.stamp_ns]:
                    return answers[0]
        raise AssertionError(f"no answer: {self.node.output}")

    def message(self, pixels):
        if self.compressed:
            jpeg = cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()
            return write_jpeg(jpeg, self.stamp_ns, "camera")
        return write_image(np.ascontiguousarray(pixels), "rgb8", self.stamp_ns, "camera")

    def drive(self, metres, seen=None):
        """Answers along the way; what is seen may be elsewhere on the street."""
        seen = metres if seen is None else seen
        return [self.send(STREET.image(at), metre) for metre, at in zip(metres, seen, strict=True)]

    def ask(self, name, kind=Trigger, **fields):
        return self.probe.call(f"{NAME}/{name}", kind, kind.Request(**fields))

    def teach(self, on):
        return self.ask("teach", SetBool, data=on)

    def health(self, key, text):
        """Wait until diagnostics say so."""
        self.probe.wait(lambda: text in self.probe.health(NAME).get(key, ""), what=f"{key}: {text}")
        return self.probe.health(NAME)


@pytest.fixture
def robot(probe, start_node):
    return lambda **values: Robot(probe, start_node, **values)


@pytest.fixture
def street_map(tmp_path):
    """A map of the first 30 m of the street."""
    path = tmp_path / "street.safetensors"
    save_map(path, taught(30).map(), over=None)
    return path


def taught(metres):
    config = OnlineConfig(teaching=TeachingConfig(spacing=1.0))
    online = OnlineRecognizer(PlaceRecognizer.from_config("sad"), None, config)
    online.start_teaching()
    odometer = Odometer(50.0)
    for metre in range(metres):
        pose = rigid_transform([metre, 0, 0], [0, 0, 0, 1])
        online.step(
            STREET.image(metre), float(metre), odometer.add(metre, pose, NO_COVARIANCE, "odom")
        )
    return online


def test_a_street_is_taught_saved_and_known_to_the_next_node(robot, tmp_path):
    path = tmp_path / "street.safetensors"
    street = robot(map=path, teach=True)
    matches = street.drive(np.arange(20.0))
    assert {m.header.frame_id for m in matches} == {"camera"}
    assert matches[0].reason == "no place is taught"
    assert [m.places for m in matches] == list(range(20))
    street.node.end(timeout=30)
    saved = load_map(path)
    np.testing.assert_allclose(saved.places.poses[:, 0], np.arange(20), atol=1e-9)

    street.start(map=path)
    later = street.drive(np.arange(100.0, 106), np.arange(10.0, 16))
    assert [m.status for m in later[-2:]] == ["confirmed"] * 2
    assert [m.place for m in later[-2:]] == [14, 15]
    assert later[-1].map_id == matches[-1].map_id != ""
    assert later[-1].pose_frame == "map"
    assert later[-1].place_pose.position.x == pytest.approx(15.0)
    street.probe.wait(lambda: street.poses and seen_at(street.poses[-1]) == street.stamp_ns)
    pose = street.poses[-1]
    assert pose.header.frame_id == "map"
    assert pose.pose.pose.position.x == pytest.approx(15.0, abs=1.0)
    covariance = pose.pose.covariance.reshape(6, 6)
    np.linalg.cholesky(covariance)
    assert 1.0 < covariance[0, 0] < 10.0


def test_a_loop_is_proposed_and_the_way_goes_on_from_there(robot, street_map):
    street = robot(compressed=True, map=street_map, teach=True)
    matches = street.drive(np.arange(0.0, 18), np.arange(22.0, 40))
    loop = street.loops[0]
    assert 22 <= loop.place < 30
    assert np.isnan(loop.travelled)  # of another drive
    assert loop.consecutive >= 3
    assert loop.header.frame_id == "map"
    assert loop.place_pose.position.x == pytest.approx(loop.place)
    assert np.linalg.eigvalsh(loop.relative_pose.covariance.reshape(6, 6)).min() > 0
    assert matches[-1].places > 32
    street.node.end(timeout=30)
    grown = load_map(street_map)
    assert grown.identity == matches[0].map_id
    assert grown.places.poses[-1, 0] == pytest.approx(39.0, abs=1.5)


def test_the_network_learns_beside_answers_and_says_what_its_neurons_do(robot, probe):
    activity = probe.hear(f"{NAME}/output/spike_activity", SpikeActivity, RESULT)
    street = robot(
        profile="tempo", teach=True, **{"teaching.module_places": 10, "activity_period": 0.01}
    )
    street.drive(np.arange(12.0))
    for _ in range(300):
        street.send(STREET.image(12.0), 12.0)
        if probe.health(NAME).get("places_open") == "3":
            break
    assert probe.health(NAME)["places_open"] == "3"
    probe.wait(lambda: any(message.layers for message in activity))
    last = next(m for m in reversed(activity) if m.layers)
    assert list(last.layers) == ["features"]
    assert 0.0 < last.firing_rates[0] < 1.0
    assert last.energy_mj > 0


def noise(low, high):
    return np.random.default_rng(0).integers(low, high, (40, 60, 3), np.uint8)


def test_every_fault_is_told_and_the_node_goes_on(robot, probe, street_map):
    street = robot(map=street_map)
    for pixels, reason in (
        (np.zeros((40, 60, 3), np.uint8), "the image has no structure"),
        (np.full((40, 60, 3), 255, np.uint8), "the image has no structure"),
        (noise(0, 4), "the image is black"),
        (noise(251, 256), "the image is overexposed"),
    ):
        match = street.send(pixels, 5.0)
        assert (match.status, match.place, match.reason) == ("unknown", -1, reason)
        assert street.health("message", f"camera: {reason}")["level"] == WARN
    turned = street.send(np.rot90(STREET.image(20.0), 2), 6.0)
    assert turned.status == "unknown"
    assert "turned left by 180 degrees it looks like place 20" in turned.reason
    frozen = [street.send(STREET.image(10.0), 7.0 + k) for k in range(4)]
    assert [m.reason for m in frozen[-2:]] == [
        f"the image has not changed for {way} m" for way in ("2.0", "3.0")
    ]
    damaged = street.message(STREET.image(4.0))
    damaged.step = 7
    street.camera.publish(damaged)
    probe.wait(lambda: "BadSize" in street.node.output)
    known = street.drive(np.arange(11.0, 16), np.arange(10.0, 15))
    assert (known[-1].place, known[-1].status, known[-1].columns) == (14, "confirmed", 3)
    jumped = street.send(STREET.image(15.0), 500.0)
    assert (jumped.place, jumped.columns) == (15, 1)
    street.health("fault.odometry_jump", "1")
    street.stamp_ns += 5_000_000_000
    alone = [street.send(STREET.image(20.0 + k)) for k in range(4)]
    assert [m.best for m in alone] == [20, 21, 22, 23]
    assert "confirmed" not in {m.status for m in alone}
    street.health("message", "no odometry near the image")


def test_services_in_the_wrong_state_say_why_and_lose_nothing(robot, probe, tmp_path):
    street = robot()
    assert "no place yet" in street.ask("save_map", MapFile, path=str(tmp_path / "m")).message
    assert "name a file" in street.ask("save_map", MapFile).message
    assert "absent" in street.ask("load_map", MapFile, path=str(tmp_path / "absent")).message
    assert "no places are being taught" in street.teach(False).message
    assert "knows all 0 places" in street.ask("train").message
    assert street.teach(True).success
    second = street.teach(True)
    assert (second.success, second.message) == (False, "teach: places are being taught already")
    street.drive(np.arange(6.0))
    assert "6 of its places are not saved" in street.ask("clear_map").message
    path = tmp_path / "street.safetensors"
    assert street.ask("save_map", MapFile, path=str(path)).places == 6
    below_a_file = street.ask("save_map", MapFile, path=str(path / "map"))
    assert f"{path}/map: cannot be written" in below_a_file.message
    save_map(path, taught(7).map())  # another teacher saves to the same file
    refused = street.ask("save_map", MapFile, path=str(path))
    assert "not the one to go on with" in refused.message
    assert len(load_map(path).backend) == 7
    assert street.ask("save_map", MapFile, path=str(tmp_path / "other")).places == 6
    assert "being taught" in street.ask("load_map", MapFile, path=str(path)).message
    assert street.teach(False).success
    image = write_image(STREET.image(3.0), "rgb8", 1, "camera")
    found = street.ask("query_places", QueryPlaces, image=image, count=2)
    assert (found.success, len(found.places), found.places[0]) == (True, 2, 3)
    assert street.ask("clear_map").success
    assert street.ask("load_map", MapFile, path=str(path)).places == 7
    assert probe.change_state(NAME, "deactivate")
    assert street.teach(True).message == "the node is not active"
    assert "not active" in street.ask("add_place").message


def test_a_map_of_other_settings_is_refused_by_name(robot, probe, street_map):
    node = robot(active=False, map=street_map, profile="tempo").node
    probe.wait(
        lambda: "backend is 'sad', not 'tempo'" in probe.health(NAME).get("message", ""), 60.0
    )
    assert str(street_map) in probe.health(NAME)["message"]
    assert probe.state(NAME) == "unconfigured"
    assert "Traceback" not in node.output
