"""Recognising and teaching at once, while driving.

Every image is answered from what is known now. Where teaching is on, a place is added once per
spacing of the way; it is known at once by its picture. When enough new places have come together
the network learns them in the background, and takes them over between two images. How sure the map
may be of its places is measured in the background, too. Stretches that the robot knows from long
ago are not taught again, they close loops.

The drive that begins a map makes its frame. In a later drive the robot must have found itself on
the map before new places can be added: only then is it known where they are.
"""

from __future__ import annotations

import threading
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform
from snn_ros.place_recognition.backend import Teacher
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.loops import Loop, LoopConfig, LoopDetector
from snn_ros.place_recognition.matching import PlaceMatch, RecognizerConfig
from snn_ros.place_recognition.odometer import Position
from snn_ros.place_recognition.pipeline import PlaceRecognizer, View
from snn_ros.place_recognition.preprocessing import Bytes
from snn_ros.place_recognition.relocalisation import (
    Pose,
    SpreadConfig,
    aligned,
    located,
    moved,
)
from snn_ros.place_recognition.teacher import (
    BackgroundCalibration,
    BackgroundTraining,
    TeachingConfig,
)
from snn_ros.place_recognition.teaching_process import ProcessTeacher, TeachingError
from snn_ros.place_recognition.weights import PlaceMap, Places, no_places

_FIRST_CALIBRATED = 20  # places; fewer tell little
_GROWN = 1.5  # times as many places as were calibrated: on a long route it is seldom


@dataclass(frozen=True)
class OnlineConfig:
    """Of recognising and teaching."""

    recognition: RecognizerConfig = setting(RecognizerConfig, "when an answer is given")
    teaching: TeachingConfig = setting(TeachingConfig, "when a place is taught")
    loops: LoopConfig = setting(LoopConfig, "when a loop is reported")
    spread: SpreadConfig = setting(SpreadConfig, "from where a place still looks like itself")


@dataclass(frozen=True, eq=False)
class OnlineAnswer:
    """What came of one image.

    Attributes:
        match: where it was taken.
        view: the image as it was compared.
        places: of the map that was asked.
        map_id: of it.
        pose: of the robot on the map, where the place is confirmed and the map has poses.
        loop: a place met again, if one is to be reported.
        added: number of the place that it was taught as.
        problem: why teaching did not go on.
    """

    match: PlaceMatch
    view: View
    places: Places
    map_id: str
    pose: Pose | None = None
    loop: Loop | None = None
    added: int | None = None
    problem: SnnRosError | None = None


@dataclass
class _Drive:
    """Since the map was begun or loaded.

    Attributes:
        earlier: places that the map had already.
        offset: of ``Places.travelled`` from the way of this drive, in m.
        next_place: way in m from which on the next place is due.
        jumps: of the odometry that were seen.
        wanted: the next image is to be a place.
        alignment: (4, 4) from the odometry to the map; None until the robot is on the map.
        frame: of the odometry; empty before the first place.
    """

    earlier: int = 0
    offset: float = 0.0
    next_place: float = float("-inf")
    jumps: int = 0
    wanted: bool = False
    alignment: Transform | None = None
    frame: str = ""


class OnlineRecognizer:
    """A recogniser with its map, which may grow. Images come from one thread, calls from any."""

    def __init__(
        self,
        recognizer: PlaceRecognizer,
        places: Places | None = None,
        config: OnlineConfig | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        """Begin a drive.

        Args:
            recognizer: with the places of its back end.
            places: their poses; none yet if None.
            config: of all.
            teacher: does the learning; a process of its own if None.
        """
        self.config = config or OnlineConfig()
        self._lock = threading.RLock()
        self._training = BackgroundTraining(teacher or ProcessTeacher(), self.config.teaching)
        self._calibrating = BackgroundCalibration()
        self._begin(recognizer, places or no_places())

    @classmethod
    def of_map(
        cls, taught: PlaceMap, config: OnlineConfig | None = None, teacher: Teacher | None = None
    ) -> OnlineRecognizer:
        """Begin a drive with a map."""
        config = config or OnlineConfig()
        recognizer = PlaceRecognizer.of_map(taught, config.recognition)
        return cls(recognizer, taught.places, config, teacher)

    def _begin(self, recognizer: PlaceRecognizer, places: Places) -> None:
        if not len(recognizer.backend):  # nothing is taught, so the spacing is that to come
            sequence = replace(recognizer.config.sequence, spacing=self.config.teaching.spacing)
            recognizer = PlaceRecognizer(
                recognizer.backend,
                recognizer.preprocessing,
                replace(recognizer.config, sequence=sequence),
            )
        self._calibrating.drop()
        self._calibrated = len(recognizer.backend)  # places; those of a map are as it was saved
        self.recognizer, self.places = recognizer, places
        self.map_id = self.map().identity
        self.teaching = False
        begins = not len(places.stamps)
        self._drive = _Drive(len(places.stamps), alignment=np.eye(4) if begins else None)
        self._loops = LoopDetector(self.config.loops, recognizer.config, recognizer.calibration)

    @property
    def training(self) -> bool:
        """Whether the network is learning in the background."""
        return self._training.running

    @property
    def calibrating(self) -> bool:
        """Whether the probabilities of a map without a network are measured in the background."""
        return self._calibrating.running

    @property
    def open_places(self) -> int:
        """Places that the network does not know yet."""
        backend = self.recognizer.backend
        return len(backend) - backend.sealed

    def step(self, image: Bytes, stamp: float, position: Position | None) -> OnlineAnswer:
        """Answer an image, and teach it if it is due.

        Args:
            image: (H, W, 3) RGB or (H, W) grey.
            stamp: in s.
            position: where the robot was; without, the image is matched alone and not taught.

        Raises:
            ImageError: the image is not one.
        """
        with self._lock:
            problem = self._take_over()
            drive = self._drive
            if position is None or position.jumps != drive.jumps:
                self.recognizer.reset()
                self._loops.reset()
                drive.jumps = position.jumps if position else drive.jumps
            travelled = position.travelled if position else None
            view = self.recognizer.view(image, travelled)
            match = self.recognizer.answer(view, stamp, travelled)
            if position is None:
                return OnlineAnswer(match, view, self.places, self.map_id, problem=problem)
            loop = self._loops.step(
                None if view.fault or not len(self.recognizer.backend) else match.image_scores,
                stamp, position.travelled + drive.offset, self.places.travelled, drive.earlier,
            )  # fmt: skip
            pose = self._locate(match, position)
            asked, map_id, added = self.places, self.map_id, None
            if self._is_due(view, position):
                try:
                    added = self._teach(view, stamp, position)
                except TeachingError as err:
                    self.teaching, problem = False, err
            return OnlineAnswer(match, view, asked, map_id, pose, loop, added, problem)

    def start_teaching(self) -> None:
        """Add places from now on.

        Raises:
            TeachingError: it does already.
        """
        with self._lock:
            if self.teaching:
                raise TeachingError("teach: places are being taught already")
            self.teaching = True
            self._drive.next_place = float("-inf")

    def stop_teaching(self, learns: bool = True) -> None:
        """Add no more places.

        Args:
            learns: those that are open begin to be learnt; without, the map is calibrated.

        Raises:
            TeachingError: none are taught.
        """
        with self._lock:
            if not self.teaching:
                raise TeachingError("teach: no places are being taught")
            self.teaching = False
            if learns and self.open_places and not self.training:
                self.train()
            elif learns:
                self._calibrate(grown=1.0)

    def add_place(self) -> None:
        """Teach the next image as a place, wherever it is."""
        with self._lock:
            self._drive.wanted = True

    def train(self) -> None:
        """Let the network learn the open places in the background.

        Raises:
            TeachingError: it is learning, or no place is open.
        """
        with self._lock:
            self._training.begin(self.recognizer.backend, self.recognizer.config)

    def clear(self, recognizer: PlaceRecognizer, places: Places | None = None) -> None:
        """Go on with another map.

        Raises:
            TeachingError: places of this one are being taught or learnt.
        """
        with self._lock:
            if self.teaching or self.training:
                doing = "taught" if self.teaching else "learnt"
                raise TeachingError(f"the map stays: its places are being {doing}")
            self._begin(recognizer, places or no_places())

    def query(self, image: Bytes, count: int) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """The places that look most like an image, the best first, and their scores.

        Raises:
            ImageError: the image is not one.
            TeachingError: no place is taught.
        """
        with self._lock:
            recognizer = self.recognizer
            if not len(recognizer.backend):
                raise TeachingError("query: no place is taught")
            scores = recognizer.backend.score(recognizer.preprocessing(image))
        best = np.argsort(-scores, kind="stable")[:count]
        return best, scores[best]

    def map(self) -> PlaceMap:
        """All that is known now."""
        with self._lock:
            recognizer = self.recognizer
            return PlaceMap(
                copy(recognizer.backend), recognizer.preprocessing, self.places,
                recognizer.calibration,
            )  # fmt: skip

    def close(self) -> None:
        """Stop learning."""
        self._training.stop()

    def _take_over(self) -> SnnRosError | None:
        """Swap in what was learnt; places that were added since go along by their pictures.

        Returns:
            why nothing was learnt.
        """
        try:
            calibration = self._calibrating.take()
            learnt = self._training.take()
        except SnnRosError as err:
            return err
        if calibration is not None:
            self._use(calibration)
        if learnt is None:
            return None
        backend = learnt.backend
        for picture in self.recognizer.backend.templates[len(backend) :]:
            backend.add_place(picture)
        self.recognizer.backend = backend
        if learnt.calibration is not None:
            self._calibrating.drop()
            self._calibrated = backend.sealed
            self._use(learnt.calibration)
        return None

    def _use(self, calibration: Calibration) -> None:
        self.recognizer.calibration = calibration
        self._loops.matcher.calibration = calibration

    def _calibrate(self, grown: float) -> None:
        """Measure the probabilities of a map that has nothing to learn, if it has grown."""
        places = len(self.recognizer.backend)
        due = self.config.teaching.calibrated and places > self._calibrated
        idle = not (self.training or self.open_places)  # else training does it
        if due and idle and places >= grown * self._calibrated:
            self._calibrated = places
            self._calibrating.begin(self.recognizer.backend, self.recognizer.config)

    def _is_due(self, view: View, position: Position) -> bool:
        drive = self._drive
        due = self.teaching and position.travelled >= drive.next_place and not self._loops.known
        return not view.fault and drive.alignment is not None and (due or drive.wanted)

    def _locate(self, match: PlaceMatch, position: Position) -> Pose | None:
        """Where a confirmed place puts the robot; the first one of a drive aligns its odometry."""
        if match.status != "confirmed" or not self.places.frame:
            return None
        neighbours = self.recognizer.config.neighbours
        pose = located(match, self.places, neighbours, self.config.spread)
        if self._drive.alignment is None:
            self._drive.alignment = aligned(pose, position.pose)
        return pose

    def _teach(self, view: View, stamp: float, position: Position) -> int:
        drive, spacing = self._drive, self.recognizer.config.sequence.spacing
        drive.wanted = False
        drive.next_place = position.travelled + spacing
        if drive.frame not in ("", position.frame):
            raise TeachingError(
                f"teach: the odometry was in frame {drive.frame!r} and now is in "
                f"{position.frame!r}; teaching stops"
            )
        drive.frame = position.frame
        assert drive.alignment is not None  # else no place is due
        place = moved(drive.alignment, position.pose, position.covariance)
        if len(self.places.stamps) == 0:
            self.places = no_places(self.config.teaching.map_frame)
        elif len(self.places.stamps) == drive.earlier:  # the first of this drive
            drive.offset = float(self.places.travelled[-1] + spacing - position.travelled)
            self._loops.reset()  # its way has moved
        self.places = self.places.extended(
            place.pose, place.covariance, stamp, position.travelled + drive.offset
        )
        added = self.recognizer.backend.add_place(view.picture)
        if added == 0:
            self.map_id = self.map().identity
        self._train_when_full()
        if added + 1 >= _FIRST_CALIBRATED:
            self._calibrate(_GROWN)
        return added

    def _train_when_full(self) -> None:
        full = self.config.teaching.module_places or self.recognizer.backend.module_size
        if full and self.open_places >= full and not self.training:
            self.train()
