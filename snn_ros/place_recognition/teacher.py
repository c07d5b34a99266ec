"""Teaches places while driving; the network learns them in the background."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.place_recognition.backend import Backend, Teacher
from snn_ros.place_recognition.confidence import Calibration
from snn_ros.place_recognition.matching import RecognizerConfig
from snn_ros.place_recognition.self_test import self_calibrated
from snn_ros.place_recognition.teaching_process import TeachingError

_STOP_TIMEOUT = 1.0  # s


@dataclass(frozen=True)
class TeachingConfig:
    """When a place is taught."""

    spacing: float = setting(10.0, "way between two places", unit="m", minimum=0.1)
    module_places: int = setting(
        0,
        "new places after which the network learns them; 0: as many as one of its modules holds",
        minimum=0,
    )
    map_frame: str = setting(
        "map", "of the poses of a map that begins; it is where the odometry of that drive begins"
    )
    calibrated: bool = setting(
        True,
        "measure the probabilities anew each time the network has learnt; without a network, each "
        "time the map has grown by half, and when teaching ends",
    )


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of a training.

    Attributes:
        backend: knows all places there were when it began.
        calibration: of it, if asked for.
    """

    backend: Backend
    calibration: Calibration | None


class BackgroundTraining:
    """One training at a time, beside the answers.

    It works on a copy of the back end, so that nothing changes until the copy is taken over. A
    failed training loses nothing: the places stay known by their pictures.
    """

    def __init__(self, teacher: Teacher, config: TeachingConfig) -> None:
        """Nothing is trained yet.

        Args:
            teacher: does the learning; one with ``stop`` is stopped when this is.
            config: whether to calibrate.
        """
        self._teacher = teacher
        self._config = config
        self._thread: threading.Thread | None = None
        self._result: Learnt | SnnRosError | None = None

    @property
    def running(self) -> bool:
        """Whether a training was begun and its result not yet taken."""
        return self._thread is not None

    def begin(self, backend: Backend, recognition: RecognizerConfig) -> None:
        """Train all places that are open now.

        Raises:
            TeachingError: a training is running, or no place is open.
        """
        if self.running:
            raise TeachingError("train: a training is running already")
        if backend.sealed == len(backend):
            raise TeachingError(f"train: the network knows all {len(backend)} places already")
        self._thread = threading.Thread(
            target=self._train, args=(copy(backend), recognition), name="training", daemon=True
        )
        self._thread.start()

    def take(self) -> Learnt | None:
        """What was trained, once.

        Raises:
            SnnRosError: why the training failed.
        """
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        result, self._result = self._result, None
        if isinstance(result, SnnRosError):
            raise result
        return result

    def stop(self) -> None:
        """End the training; its places stay open."""
        thread = self._thread
        if thread is None:
            return
        getattr(self._teacher, "stop", lambda: None)()
        thread.join(_STOP_TIMEOUT)
        self._thread = self._result = None

    def _train(self, backend: Backend, recognition: RecognizerConfig) -> None:
        try:
            backend.seal(self._teacher)
            calibration = None
            if self._config.calibrated:
                calibration = self_calibrated(backend, recognition.sequence, recognition.neighbours)
            self._result = Learnt(backend, calibration)
        except SnnRosError as err:
            self._result = err
        except Exception as err:  # noqa: BLE001 - whatever it is, the thread must tell it
            self._result = TeachingError(f"training failed: {type(err).__name__}: {err}")


class BackgroundCalibration:
    """Measures the probabilities of a map that has nothing to train, beside the answers.

    Nothing waits for it: what it finds too late is dropped.
    """

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._found: Future[Calibration] | None = None

    @property
    def running(self) -> bool:
        """Whether one was begun and its result neither taken nor dropped."""
        return self._found is not None

    def begin(self, backend: Backend, recognition: RecognizerConfig) -> None:
        """Measure in a thread; one that is running is dropped.

        Args:
            backend: that may be asked from two threads at once.
            recognition: as it will be asked.
        """
        found: Future[Calibration] = Future()
        asked = copy(backend)

        def measure() -> None:
            try:
                found.set_result(
                    self_calibrated(asked, recognition.sequence, recognition.neighbours)
                )
            except Exception as err:  # noqa: BLE001 - whatever it is, ``take`` must tell it
                found.set_exception(TeachingError(f"calibration failed: {err!r}"))

        self._found = found
        threading.Thread(target=measure, name="calibration", daemon=True).start()

    def take(self) -> Calibration | None:
        """What was measured, once.

        Raises:
            TeachingError: why nothing was.
        """
        found = self._found
        if found is None or not found.done():
            return None
        self.drop()
        return found.result()

    def drop(self) -> None:
        """Forget the one that is running; it speaks of a map that is no more."""
        self._found = None
