"""Place recognition as a node: images and odometry in, the place on a taught route out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool, Trigger

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import LoopClosure, PlaceMatch, SpikeActivity
from snn_ros.nodes.map_keeper import MapKeeper
from snn_ros.nodes.place_messages import write_located, write_loop, write_match
from snn_ros.place_recognition.loops import LoopConfig
from snn_ros.place_recognition.matching import RecognizerConfig
from snn_ros.place_recognition.odometer import Odometer, Position
from snn_ros.place_recognition.online import OnlineAnswer, OnlineConfig, OnlineRecognizer
from snn_ros.place_recognition.relocalisation import SpreadConfig, relative_covariance
from snn_ros.place_recognition.teacher import TeachingConfig
from snn_ros.place_recognition.teaching_process import TeachingError
from snn_ros.ros.buffers import StampedBuffer
from snn_ros.ros.conversions.geometry import read_odometry
from snn_ros.ros.conversions.images import read_image
from snn_ros.ros.conversions.spike_activity import write_spike_activity
from snn_ros.ros.conversions.stamps import from_seconds, read_header, to_seconds
from snn_ros.ros.health import WARN
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.srv import MapFile, QueryPlaces

_POSITIONS = 2000  # kept at most, 10 s of a fast odometry


@dataclass(frozen=True)
class PlaceRecognitionParameters(NodeParameters):
    """Parameters of place recognition."""

    profile: str = setting(
        "edge",
        "which network; edge: ours, tempo and paper: published ones, sad: the pictures alone",
        choices=("edge", "tempo", "paper", "sad"),
        read_only=True,
    )
    map: str = setting(
        "", "file of a map to begin with; with teach, where a new one is saved", read_only=True
    )
    teach: bool = setting(False, "teach places from activation on")
    autosave: bool = setting(True, "save new places to the map when the node is deactivated")
    compressed: bool = setting(
        False, "the image is a CompressedImage (JPEG or PNG)", read_only=True
    )
    slow_ms: float = setting(
        100.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )
    odometry_tolerance: float = setting(
        0.2, "between an image and the nearest odometry", unit="s", minimum=0.0, maximum=5.0
    )
    fastest: float = setting(
        50.0, "speed above which the odometry has jumped", unit="m/s", minimum=0.1
    )
    activity_period: float = setting(
        1.0, "between two images whose spikes are counted; 0: never", unit="s", minimum=0.0
    )
    recognition: RecognizerConfig = setting(RecognizerConfig, "when an answer is given")
    teaching: TeachingConfig = setting(TeachingConfig, "when a place is taught")
    loops: LoopConfig = setting(LoopConfig, "when a loop is reported")
    spread: SpreadConfig = setting(SpreadConfig, "from where a place still looks like itself")


class PlaceRecognitionNode(SystemNode[PlaceRecognitionParameters]):
    """Feeds the recogniser with the newest image, and publishes where it was taken."""

    parameters_type = PlaceRecognitionParameters
    _robot: OnlineRecognizer | None = None

    def configure(self, parameters: PlaceRecognitionParameters) -> None:
        """Load the map, and add topics and services."""
        self._settings = parameters
        self._keeper = MapKeeper(parameters.profile, parameters.recognition)
        path = Path(parameters.map) if parameters.map else None
        found = self._keeper.begin(path, parameters.teach)
        self._robot = OnlineRecognizer(
            self._keeper.recognizer(found),
            found.places if found else None,
            OnlineConfig(
                parameters.recognition, parameters.teaching, parameters.loops, parameters.spread
            ),
        )
        self._keeper.taken(found)
        self._positions: StampedBuffer[Position] = StampedBuffer(
            _POSITIONS, duration_ns=from_seconds(10.0)
        )
        self._odometer = Odometer(parameters.fastest)
        self._match = self.add_output("match", PlaceMatch)
        self._pose = self.add_output("pose", PoseWithCovarianceStamped)
        self._loop = self.add_output("loop_closure", LoopClosure)
        self._activity = self.add_output("spike_activity", SpikeActivity)
        self.add_trigger(
            "image", CompressedImage if parameters.compressed else Image, self._recognise
        )
        self.add_input("odometry", Odometry, self._receive_odometry)
        self.add_service("teach", SetBool, self._on_teach)
        self.add_service("add_place", Trigger, self._on_add_place)
        self.add_service("train", Trigger, self._on_train)
        self.add_service("clear_map", Trigger, self._on_clear_map)
        self.add_service("save_map", MapFile, self._on_save_map)
        self.add_service("load_map", MapFile, self._on_load_map)
        self.add_service("query_places", QueryPlaces, self._on_query_places)

    def activate(self) -> None:
        """Begin to answer, and to teach if asked to."""
        robot = self._online()
        self._metered_at: float | None = None
        if self._settings.teach and not robot.teaching:
            robot.start_teaching()

    def deactivate(self) -> None:
        """Stop teaching, and save what was taught."""
        robot = self._online()
        if robot.teaching:
            robot.stop_teaching(learns=False)
        if self._settings.autosave and self._settings.map and self._keeper.unsaved(robot):
            with self.guarded():
                places = self._keeper.save(Path(self._settings.map), robot)
                self.get_logger().info(f"saved {places} places to {self._settings.map}")

    def cleanup(self) -> None:
        """Stop learning; the map is gone."""
        if self._robot is not None:
            self._robot.close()
            self._robot = None

    def clock_jumped_back(self, _seconds: float) -> None:
        """Positions from before the jump belong to no image any more."""
        if self._robot is not None:
            self._positions.clear()

    def _online(self) -> OnlineRecognizer:
        assert self._robot is not None  # only called between configure and cleanup
        return self._robot

    def _receive_odometry(self, message: Odometry) -> None:
        sample = read_odometry(message)
        jumps = self._odometer.jumps
        position = self._odometer.add(
            to_seconds(sample.stamp_ns), sample.pose, sample.pose_covariance, sample.frame_id
        )
        if position.jumps > jumps:
            where = np.round(position.pose[:3], 2).tolist()
            self.report_fault("odometry_jump", f"the pose jumped to {where}; the past is dropped")
        self._positions.add(sample.stamp_ns, position)

    def _recognise(self, message: Image | CompressedImage) -> None:
        robot, stamp = self._online(), message.header.stamp
        stamp_ns, _ = read_header(message.header)
        with self.stage("conversion", stamp):
            image = read_image(message, "rgb")
        tolerance_ns = from_seconds(self._settings.odometry_tolerance)
        nearest = self._positions.nearest(stamp_ns, tolerance_ns)
        if nearest is None:
            self.report_fault(
                "no_odometry",
                f"none within {self._settings.odometry_tolerance:g} s of the image, "
                "which is matched alone",
            )
        position = nearest[1] if nearest else None
        with self.stage("recognition", stamp):
            answer = robot.step(image, to_seconds(stamp_ns), position)
        if answer.problem is not None:
            self.report_fault(type(answer.problem).__name__, str(answer.problem))
        with self.stage("publishing", stamp):
            self._publish(answer, message, position)
        self._report(answer, position)

    def _publish(
        self, answer: OnlineAnswer, message: Image | CompressedImage, position: Position | None
    ) -> None:
        header, places, map_id = message.header, answer.places, answer.map_id
        travelled = position.travelled if position else self._odometer.travelled
        self._match.publish(write_match(answer.match, header, map_id, places, travelled))
        if answer.pose is not None:
            self._pose.publish(write_located(answer.pose, header, places.frame))
        if answer.loop is not None:
            place = answer.loop.match.place
            covariance = relative_covariance(places, place, self._settings.spread)
            self._loop.publish(write_loop(answer.loop, header, map_id, places, covariance))
        if self._meters_now():
            activity = self._online().recognizer.spike_activity(answer.view)
            self._activity.publish(write_spike_activity(activity, header.stamp))

    def _meters_now(self) -> bool:
        """Whether somebody listens and it is time to count spikes again."""
        period, now = self._settings.activity_period, self.control_time()
        if not (period and self._activity.get_subscription_count()):
            return False
        if self._metered_at is not None and 0 <= now - self._metered_at < period:
            return False
        self._metered_at = now
        return True

    def _report(self, answer: OnlineAnswer, position: Position | None) -> None:
        """Show in diagnostics what is known and what is the matter."""
        robot, match = self._online(), answer.match
        self.health.notes = {
            "map": robot.map_id,
            "places": str(len(robot.places.stamps)),
            "places_open": str(robot.open_places),
            "places_unsaved": str(self._keeper.unsaved(robot)),
            "teaching": str(robot.teaching).lower(),
            "training": str(robot.training).lower(),
            "calibrated": str(robot.recognizer.calibration is not None).lower(),
            "status": match.status,
            "place": str(match.place),
            "reason": match.reason,
        }
        if answer.view.fault:
            self.health.alarm = (WARN, f"camera: {answer.view.fault}")
        elif position is None:
            self.health.alarm = (WARN, "no odometry near the image: images are matched alone")
        elif not len(robot.places.stamps) and not robot.teaching:
            self.health.alarm = (WARN, "no map: load one, or teach places")
        else:
            self.health.alarm = None

    # Services -----------------------------------------------------------------------------------

    def _on_teach(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        def teach() -> str:
            robot = self._online()
            if request.data:
                robot.start_teaching()
                return f"places are taught every {self._settings.teaching.spacing:g} m"
            robot.stop_teaching()
            return f"{len(robot.places.stamps)} places, {robot.open_places} to be learnt"

        return self._answer(response, teach)

    def _on_add_place(self, _request: object, response: Trigger.Response) -> Trigger.Response:
        def add() -> str:
            self._online().add_place()
            return "the next image becomes a place"

        return self._answer(response, add)

    def _on_train(self, _request: object, response: Trigger.Response) -> Trigger.Response:
        def train() -> str:
            robot = self._online()
            robot.train()
            return f"{robot.open_places} places are learnt in the background"

        return self._answer(response, train)

    def _on_clear_map(self, _request: object, response: Trigger.Response) -> Trigger.Response:
        def clear() -> str:
            robot = self._online()
            if unsaved := self._keeper.unsaved(robot):
                raise TeachingError(f"the map stays: {unsaved} of its places are not saved")
            robot.clear(self._keeper.recognizer(None))
            self._keeper.taken(None)
            return "the map is empty"

        return self._answer(response, clear)

    def _on_save_map(
        self, request: MapFile.Request, response: MapFile.Response
    ) -> MapFile.Response:
        def save() -> str:
            response.places = self._keeper.save(_path(request), self._online())
            return f"saved {response.places} places"

        return self._answer(response, save, needs_active=False)

    def _on_load_map(
        self, request: MapFile.Request, response: MapFile.Response
    ) -> MapFile.Response:
        def load() -> str:
            robot = self._online()
            if unsaved := self._keeper.unsaved(robot):
                raise TeachingError(f"the map stays: {unsaved} of its places are not saved")
            found = self._keeper.load(_path(request))
            robot.clear(self._keeper.recognizer(found), found.places)
            self._keeper.taken(found)
            response.places = len(found.backend)
            return f"loaded {response.places} places"

        return self._answer(response, load, needs_active=False)

    def _on_query_places(
        self, request: QueryPlaces.Request, response: QueryPlaces.Response
    ) -> QueryPlaces.Response:
        def query() -> str:
            image = read_image(request.image, "rgb")
            places, scores = self._online().query(image, request.count)
            response.places, response.scores = places.tolist(), scores.tolist()
            return f"of {len(self._online().places.stamps)} places"

        return self._answer(response, query, needs_active=False)

    def _answer(self, response: Any, action: Any, needs_active: bool = True) -> Any:
        """Do what a service asks for, or say why not."""
        try:
            if needs_active and not self.active:
                raise TeachingError("the node is not active")
            response.message = action()
            response.success = True
        except SnnRosError as err:
            response.success, response.message = False, str(err)
        except Exception as err:  # noqa: BLE001 - the caller must get an answer, and the node stop
            response.success, response.message = False, f"{type(err).__name__}: {err}"
            self.fail(err)
        return response


def _path(request: MapFile.Request) -> Path:
    if not request.path:
        raise TeachingError("path = '': name a file")
    return Path(request.path)


def main() -> int:
    """Run the node."""
    return run(lambda: PlaceRecognitionNode("place_recognition"))
