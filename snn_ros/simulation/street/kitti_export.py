"""A simulated drive as a folder in the layout of KITTI's object benchmark.

::

    ImageSets/train.txt, val.txt        names of the frames; the last part of the drive is val
    training/velodyne/000000.bin        float32 x y z intensity in the frame of the LiDAR
    training/image_2/000000.png         left picture, image_3 the right one; with a stereo pair
    training/calib/000000.txt           P0..P3, R0_rect, Tr_velo_to_cam, Tr_imu_to_velo
    training/label_2/000000.txt         objects in the left picture, see ``kitti_labels``
    training/label_02/0000.txt          the same of all frames with track ids (tracking benchmark)
    training/poses/0000.txt             T_first_frame of the left camera, 12 numbers (odometry)
    training/times/0000.txt             in s

There are no grey cameras: camera 0 is camera 2, and 1 is 3. The "imu" is ``base_link``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from snn_ros.disk_space import reserve_space
from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform, inverse
from snn_ros.kitti.labels import KittiLabel
from snn_ros.simulation.sensors.camera import calibration
from snn_ros.simulation.sensors.lidar import LidarScan
from snn_ros.simulation.sensors.mounts import kitti_stereo
from snn_ros.simulation.street.kitti_labels import kitti_labels
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation

_SEQUENCE = "0000.txt"


class KittiFolderExists(SnnRosError):
    """An export is never written over something else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: is there already; name another folder or remove it")


class KittiNotWritten(SnnRosError):
    """The file system refused."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: cannot be written: {reason}")


class NotAKittiCar(SnnRosError):
    """The scenario carries sensors that have no place in KITTI's layout."""


def export_kitti(
    street: StreetSimulation,
    folder: str | Path,
    watch: Callable[[StreetReadings], None] = lambda _: None,
    *,
    validation_share: float = 0.2,
) -> int:
    """Drive to the end and write a frame for each sweep of the LiDAR, or each period without one.

    Whatever ends it early, Ctrl-C and a full disk too, the folder holds whole frames and the sets
    of those.

    Args:
        street: before its first period; with a stereo pair or no cameras.
        folder: to make.
        watch: called after each period.
        validation_share: of the frames, from the end of the drive, that are ``val``.

    Returns:
        Number of frames.

    Raises:
        NotAKittiCar: there are cameras, but no stereo pair.
        KittiFolderExists: there is something at the path.
        KittiNotWritten: the file system refuses; what was written so far is whole.
    """
    sensors = street.scenario.sensors
    if sensors.cameras == "surround":
        raise NotAKittiCar("sensors.cameras = 'surround': must be stereo, all or none for KITTI")
    calibration_file = calibration_text(street).encode()
    with _KittiFolder(Path(folder), validation_share) as kitti:
        while not street.finished:
            readings = street.advance()
            if readings.scan is not None or sensors.lidar == "none":
                labels = kitti_labels(readings.objects, readings.pose)
                files = _sensor_files(readings)
                files["calib", "txt"] = calibration_file
                files["label_2", "txt"] = _lines(label.object_line() for label in labels)
                camera = readings.pose @ readings.objects.camera.pose
                kitti.add(files, labels, camera, readings.frame.time)
            watch(readings)
    return kitti.count


def calibration_text(street: StreetSimulation) -> str:
    """The calibration file of every frame of a drive."""
    left, right = street.mounts[:2] or kitti_stereo()
    projections = [calibration(left).P, calibration(right, left).P] * 2
    T_lidar_base = inverse(street.lidar_pose)
    T_camera_lidar = inverse(left.pose) @ street.lidar_pose
    matrices = {f"P{n}": projection for n, projection in enumerate(projections)}
    matrices["R0_rect"] = np.eye(3)
    matrices["Tr_velo_to_cam"] = T_camera_lidar[:3]
    matrices["Tr_imu_to_velo"] = T_lidar_base[:3]
    return "".join(f"{name}: {_row(matrix)}\n" for name, matrix in matrices.items())


_Files = dict[tuple[str, str], bytes]
"""Contents of a frame's files by folder and suffix."""


class _KittiFolder:
    """A folder that only ever holds whole frames, once it is closed."""

    def __init__(self, folder: Path, validation_share: float) -> None:
        if folder.exists():
            raise KittiFolderExists(folder)
        self._folder, self._training = folder, folder / "training"
        self._validation_share = validation_share
        self._tracks: dict[str, list[KittiLabel]] = {}
        self._cameras: dict[str, Transform] = {}
        self._times: dict[str, float] = {}
        self.count = 0

    def __enter__(self) -> _KittiFolder:
        try:
            (self._training / "label_2").mkdir(parents=True)
            self._reserve = reserve_space(self._folder)
        except OSError as err:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise KittiNotWritten(self._folder, err.strerror or str(err)) from err
        return self

    def __exit__(self, *_: object) -> None:
        self._reserve.unlink(missing_ok=True)
        self._write_sequence()

    def add(self, files: _Files, labels: list[KittiLabel], camera: Transform, time: float) -> None:
        """Write the next frame, or nothing of it."""
        name = f"{self.count:06}"
        self._tracks[name], self._cameras[name], self._times[name] = labels, camera, time
        paths = {
            self._training / kind / f"{name}.{suffix}": (kind, suffix) for kind, suffix in files
        }
        try:
            for path, key in paths.items():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(files[key])
        except BaseException as err:
            for path in paths:
                path.unlink(missing_ok=True)
            if isinstance(err, OSError):
                raise KittiNotWritten(self._folder, err.strerror or str(err)) from err
            raise
        self.count += 1

    def _write_sequence(self) -> None:
        """What is told of all frames together, for those that are there."""
        names = sorted(file.stem for file in (self._training / "label_2").iterdir())
        first = len(names) - round(len(names) * self._validation_share)
        tracks = [label.tracking_line(int(n)) for n in names for label in self._tracks[n]]
        origin = inverse(self._cameras[names[0]]) if names else np.eye(4)
        sequence = {
            self._folder / "ImageSets" / "train.txt": names[:first],
            self._folder / "ImageSets" / "val.txt": names[first:],
            self._training / "label_02" / _SEQUENCE: tracks,
            self._training / "poses" / _SEQUENCE: [
                _row((origin @ self._cameras[n])[:3]) for n in names
            ],
            self._training / "times" / _SEQUENCE: [f"{self._times[n]:.6e}" for n in names],
        }
        try:
            for path, lines in sequence.items():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(_lines(lines))
        except OSError as err:
            raise KittiNotWritten(self._folder, err.strerror or str(err)) from err


def _sensor_files(readings: StreetReadings) -> _Files:
    files: _Files = {}
    if readings.scan is not None:
        files["velodyne", "bin"] = _cloud(readings.scan).tobytes()
    for name, kind in (("left", "image_2"), ("right", "image_3")):
        if name in readings.images:
            files[kind, "png"] = _png(readings.images[name])
    return files


def _cloud(scan: LidarScan) -> NDArray[np.float32]:
    """(N, 4) x, y, z in m, intensity."""
    return np.column_stack([scan.positions, scan.points["intensity"]]).astype("<f4")


def _png(rgb: NDArray[np.uint8]) -> bytes:
    _, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    data: bytes = png.tobytes()
    return data


def _row(matrix: NDArray[np.float64]) -> str:
    return " ".join(f"{number:.12e}" for number in np.ravel(matrix))


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
