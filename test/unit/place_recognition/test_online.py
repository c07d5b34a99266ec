import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from support.place_routes import Street

from snn_ros.place_recognition import PlaceRecognizer, Preprocessing, RecognizerConfig
from snn_ros.place_recognition import teacher as teacher_module
from snn_ros.place_recognition.backends import SadBackend, TempoBackend
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.gabor import GaborBackend
from snn_ros.place_recognition.loops import LoopConfig
from snn_ros.place_recognition.odometer import Position
from snn_ros.place_recognition.online import OnlineConfig, OnlineRecognizer
from snn_ros.place_recognition.sequence import SequenceConfig
from snn_ros.place_recognition.teacher import TeachingConfig
from snn_ros.place_recognition.teaching_process import TeachingError
from snn_ros.place_recognition.tempo import TempoConfig

METRES, STEP = 60, 0.25
CONFIG = OnlineConfig(
    RecognizerConfig(SequenceConfig(length=3, slopes=(1.0, -1.0))),
    TeachingConfig(spacing=1.0, module_places=20, calibrated=False),
    LoopConfig(exclusion=15.0, cooldown=5.0),
)
STREET = Street(METRES)


def position(travelled, metre=None, jumps=0, frame="odom"):
    x = travelled if metre is None else metre
    return Position(np.array([x, 0, 0, 0, 0, 0, 1.0]), np.zeros((6, 6)), travelled, jumps, frame)


def learn_here(lesson):
    return TempoBackend(TempoConfig(**lesson.settings)).taught(lesson)


def online(backend=None, teacher=learn_here, config=CONFIG):
    backend = tempo() if backend is None else backend  # an empty one is false
    preprocessing = Preprocessing(side=14 if isinstance(backend, TempoBackend) else 28)
    recognizer = PlaceRecognizer(backend, preprocessing, config.recognition)
    return OnlineRecognizer(recognizer, None, config, teacher)


def tempo():
    return TempoBackend(TempoConfig(places_per_module=20))


def drive(robot, metres, start=0.0, noise=0.0):
    """Answers along a drive over the given metres of the street."""
    ways = start + np.abs(metres - metres[0])
    return [
        robot.step(STREET.image(metre, noise), way, position(way, metre))
        for metre, way in zip(metres, ways, strict=True)
    ]


def settle(robot):
    """Let a training end and be taken over."""
    end = time.monotonic() + 30
    while robot.training:
        assert time.monotonic() < end
        time.sleep(0.01)
        robot.step(STREET.image(0.0), 0.0, None)


AHEAD = np.arange(0, METRES, STEP)


def test_a_place_is_taught_every_spacing_and_known_at_once():
    robot = online(SadBackend())
    robot.start_teaching()
    answers = drive(robot, AHEAD)
    added = [(k * STEP, a.added) for k, a in enumerate(answers) if a.added is not None]
    assert added == [(float(n), n) for n in range(METRES)]
    np.testing.assert_allclose(robot.places.poses[:, 0], np.arange(METRES))
    assert robot.places.spacing == pytest.approx(1.0)


def test_learning_beside_answers_gives_what_learning_at_once_gives():
    robot = online()
    robot.start_teaching()
    drive(robot, AHEAD)
    settle(robot)
    while robot.open_places:
        robot.train()
        settle(robot)
    offline = tempo()
    offline.learn(robot.recognizer.backend.templates, np.arange(METRES))
    assert len(robot.recognizer.backend.modules) >= METRES // 20
    right = {
        name: np.mean(
            [
                backend.score(robot.recognizer.preprocessing(STREET.image(m, 0.5))).argmax() == m
                for m in range(METRES)
            ]
        )
        for name, backend in (("online", robot.recognizer.backend), ("offline", offline))
    }
    assert right["online"] >= right["offline"] - 0.03


def test_answers_go_on_and_old_modules_stay_while_the_network_learns():
    release = threading.Event()

    def slow(lesson):
        release.wait(20)
        return learn_here(lesson)

    robot = online(teacher=slow)
    robot.start_teaching()
    drive(robot, AHEAD[:120])  # 30 places: the first 20 wait to be learnt
    assert robot.training
    assert robot.recognizer.backend.sealed == 0
    answers = drive(robot, np.arange(5, 12, STEP), start=100.0)
    assert all(a.match.best in (int(m), int(m) + 1, int(m) - 1)
               for a, m in zip(answers[4:], np.arange(6, 12, STEP), strict=True))  # fmt: skip
    places = len(robot.recognizer.backend)
    release.set()
    settle(robot)
    assert robot.recognizer.backend.sealed == 20
    assert len(robot.recognizer.backend) == places == len(robot.places.stamps)


def test_a_failed_training_is_told_and_loses_nothing():
    def failing(lesson):
        raise MemoryError("no room")

    robot = online(teacher=failing)
    robot.start_teaching()
    answers = drive(robot, AHEAD[:100])
    time.sleep(0.2)
    answers.append(robot.step(STREET.image(24.9), 0.0, position(24.9)))
    problems = [str(a.problem) for a in answers if a.problem]
    assert problems[0] == "training failed: MemoryError: no room"
    assert len(robot.recognizer.backend) == 25
    assert answers[-1].match.best == 24


CALIBRATED = replace(CONFIG, teaching=replace(CONFIG.teaching, calibrated=True))


def measured(robot):
    """Let a calibration end and be taken over."""
    end = time.monotonic() + 30
    while robot.calibrating:
        assert time.monotonic() < end
        time.sleep(0.01)
        robot.step(STREET.image(0.0), 0.0, None)
    return robot.recognizer.calibration


@pytest.mark.parametrize("backend", [SadBackend, GaborBackend])
def test_a_map_that_has_nothing_to_learn_is_calibrated_as_it_grows(backend):
    robot = online(backend(), config=CALIBRATED)
    robot.start_teaching()
    drive(robot, AHEAD[: 19 * 4])
    assert not robot.calibrating
    assert robot.recognizer.calibration is None
    drive(robot, AHEAD[19 * 4 : 20 * 4], start=19.0)
    first = measured(robot)
    assert first is not None
    drive(robot, AHEAD[20 * 4 : 28 * 4], start=20.0)
    assert measured(robot) is first  # it has not grown by half yet
    robot.stop_teaching()
    assert measured(robot) is not first
    assert robot.map().calibration is robot.recognizer.calibration
    robot.start_teaching()
    robot.stop_teaching()  # nothing is new
    assert not robot.calibrating


def test_no_calibration_is_no_calibration():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD[: 25 * 4])
    robot.stop_teaching()
    assert not robot.calibrating


def test_another_map_does_not_wait_for_a_calibration_nor_take_it_over(monkeypatch):
    release = threading.Event()

    def slow(*_):
        release.wait(20)
        return Calibration(np.zeros(1), np.ones(1))

    monkeypatch.setattr(teacher_module, "self_calibrated", slow)
    robot = online(SadBackend(), config=CALIBRATED)
    robot.start_teaching()
    drive(robot, AHEAD[:40])
    robot.stop_teaching()
    assert robot.calibrating
    assert robot.step(STREET.image(3.0), 0.0, None).match.best == 3
    robot.clear(PlaceRecognizer(SadBackend(), Preprocessing()))
    release.set()
    time.sleep(0.1)
    robot.step(STREET.image(3.0), 0.0, None)
    assert robot.recognizer.calibration is None


def test_a_failed_calibration_is_told_and_loses_nothing(monkeypatch):
    def failing(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(teacher_module, "self_calibrated", failing)
    robot = online(SadBackend(), config=CALIBRATED)
    robot.start_teaching()
    answers = drive(robot, AHEAD[: 25 * 4])
    problems = [str(a.problem) for a in answers if a.problem]
    assert problems == ["calibration failed: MemoryError('no room')"]
    assert len(robot.recognizer.backend) == 25


def test_a_loop_is_closed_once_per_cooldown_and_not_taught_twice():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD)
    places = len(robot.places.stamps)
    answers = drive(robot, np.arange(10, 40, STEP), start=100.0, noise=0.3)
    loops = [a.loop for a in answers if a.loop]
    assert 4 <= len(loops) <= 7
    for loop in loops:
        assert loop.consecutive >= 3
        assert loop.travelled == pytest.approx(90.0, abs=1.5)
    assert len(robot.places.stamps) <= places + 4  # until the loop is confirmed
    assert robot.step(STREET.image(39.9), 0.0, position(131.0)).added is None


def test_places_just_passed_close_no_loop():
    robot = online(SadBackend())
    robot.start_teaching()
    assert not any(a.loop for a in drive(robot, AHEAD))


def test_reverse_travel_closes_the_loop_too():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD)
    loops = [a.loop for a in drive(robot, np.arange(40, 10, -STEP), start=100.0) if a.loop]
    assert loops
    assert all(loop.match.slope < 0 for loop in loops)


def test_a_map_of_an_earlier_drive_goes_on():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD[: 30 * 4])
    again = OnlineRecognizer.of_map(robot.map(), CONFIG)
    again.start_teaching()
    # this drive's odometry begins at 0, 20 m along the street
    ways = np.arange(0, 25, STEP)
    answers = [again.step(STREET.image(20 + way), way, position(way)) for way in ways]
    loops = [a.loop for a in answers if a.loop]
    assert loops
    assert all(np.isnan(loop.travelled) for loop in loops)
    new = again.places.poses[30:, 0]
    assert 30 <= new[0] <= 36  # nothing is added before, and for a moment after the known part
    np.testing.assert_allclose(new, np.arange(len(new)) + new[0], atol=1e-9)
    assert new[-1] == pytest.approx(44, abs=1.0)
    assert again.places.frame == "map"
    assert (np.diff(again.places.travelled) > 0).all()
    assert again.map().identity == robot.map().identity


def test_a_jump_of_the_odometry_drops_the_past():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD)
    robot.stop_teaching()
    before = robot.step(STREET.image(30.0), 0.0, position(200.0, 30.0))
    for k in range(12):
        before = robot.step(STREET.image(30 + k / 4), 0.0, position(200.0 + k / 4, 30.0))
    after = robot.step(STREET.image(33.0), 0.0, position(203.0, 80.0, jumps=1))
    assert (before.match.columns, after.match.columns) == (3, 1)
    assert (before.match.status, after.match.status) == ("confirmed", "tentative")


def test_an_image_without_position_is_matched_alone_and_not_taught():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD)
    answers = [robot.step(STREET.image(20.0 + k), 0.0, None) for k in range(6)]
    assert [a.match.best for a in answers] == list(range(20, 26))
    assert {a.match.columns for a in answers} == {1}
    assert all(a.added is None and a.match.status != "confirmed" for a in answers)


def test_useless_images_are_not_taught():
    robot = online(SadBackend())
    robot.start_teaching()
    black = np.zeros((40, 40, 3), dtype=np.uint8)
    assert robot.step(black, 0.0, position(0.0)).added is None
    assert robot.step(STREET.image(0.0), 0.0, position(0.5)).added == 0


def test_calls_in_the_wrong_state_are_refused():
    robot = online(teacher=lambda lesson: time.sleep(0.5) or learn_here(lesson))
    with pytest.raises(TeachingError, match="no places are being taught"):
        robot.stop_teaching()
    with pytest.raises(TeachingError, match="knows all 0 places"):
        robot.train()
    robot.start_teaching()
    with pytest.raises(TeachingError, match="taught already"):
        robot.start_teaching()
    drive(robot, AHEAD[:20])
    with pytest.raises(TeachingError, match="being taught"):
        robot.clear(robot.recognizer)
    robot.stop_teaching()  # begins to learn
    with pytest.raises(TeachingError, match="running already"):
        robot.train()
    with pytest.raises(TeachingError, match="being learnt"):
        robot.clear(robot.recognizer)
    settle(robot)
    robot.clear(PlaceRecognizer(SadBackend(), Preprocessing()))
    assert len(robot.recognizer.backend) == 0


def test_an_odometry_that_changes_its_frame_ends_teaching():
    robot = online(SadBackend())
    robot.start_teaching()
    drive(robot, AHEAD[:40])
    answer = robot.step(STREET.image(50.0), 0.0, position(50.0, frame="map"))
    assert "was in frame 'odom' and now is in 'map'" in str(answer.problem)
    assert not robot.teaching
    assert len(robot.places.stamps) == 10


def test_one_place_is_taught_on_demand():
    robot = online(SadBackend())
    robot.add_place()
    answers = drive(robot, AHEAD[:8])
    assert [a.added for a in answers] == [0, *[None] * 7]
