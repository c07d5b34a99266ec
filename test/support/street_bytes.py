"""What the sensors of street scenarios give, as bytes. A program, to compare processes.

``python -m support.street_bytes digests NAME...`` prints hashes as JSON;
``python -m support.street_bytes pictures FOLDER SAMPLES NAME...`` leaves ``FOLDER/NAME.npz``, drawn
with so many samples per pixel.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import mujoco
import numpy as np

from snn_ros.simulation.render import RendererError
from snn_ros.simulation.sensors.camera import CameraConfig, CameraRig
from snn_ros.simulation.sensors.imu import Imu, ImuParameters
from snn_ros.simulation.sensors.lidar import Lidar
from snn_ros.simulation.sensors.lidar_config import LIDARS
from snn_ros.simulation.sensors.mounts import KITTI_LIDAR, kitti_stereo, surround_six
from snn_ros.simulation.sensors.odometry import (
    OdometryParameters,
    WheelEncoders,
    WheelOdometry,
    WheelParameters,
    planar_motion,
)
from snn_ros.simulation.street.drive import StreetDrive
from support.street_moments import Moment, moments, scenario

CAMERAS = (*kitti_stereo(640), *surround_six(480, 224))
RENDERERS = {
    "egl": {"MUJOCO_GL": "egl"},
    "osmesa": {"MUJOCO_GL": "osmesa"},
    # Mesa's other rasteriser; it has no multisampling
    "softpipe": {"MUJOCO_GL": "egl", "GALLIUM_DRIVER": "softpipe"},
}
"""Environments of processes that draw with different renderers."""
_MOMENTS = 2
_NO_RENDERER = 3  # exit code


class NoRenderer(Exception):
    """A process had no off-screen renderer."""


def digests(name: str) -> dict[str, str]:
    """Hashes of a scenario's model, LiDAR scans, pictures, and odometry, wheels and IMU."""
    found = {part: hashlib.sha256() for part in ("scene", "lidar", "pictures", "motion")}
    generators = [np.random.default_rng(s) for s in np.random.SeedSequence(1).spawn(2)]
    lidar = rig = None
    for moment in moments(name, count=_MOMENTS, cameras=CAMERAS):
        model, data = moment.scene.model, moment.scene.data
        if lidar is None or rig is None:
            found["scene"].update(_bytes_of_model(model))
            lidar = Lidar(model, LIDARS["hdl_64e"], moment.scene.surfaces, generators[0])
            rig = CameraRig(model, CAMERAS, CameraConfig(), generators[1])
        found["scene"].update(data.geom_xpos.tobytes() + data.geom_xmat.tobytes())
        scan = lidar.scan(data, moment.base @ KITTI_LIDAR, velocity=moment.velocity())
        found["lidar"].update(scan.points.tobytes() + scan.geom.tobytes())
        for picture in rig.capture(data).values():
            found["pictures"].update(picture.tobytes())
    if rig is not None:
        rig.close()
    for reading in motion_readings(name):
        found["motion"].update(reading)
    return {part: digest.hexdigest() for part, digest in found.items()}


def _bytes_of_model(model: mujoco.MjModel) -> bytes:
    buffer = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def motion_readings(name: str, seconds: float = 10.0) -> Iterator[bytes]:
    """Odometry, wheel encoders and IMU of the beginning of a drive, with their flaws."""
    drive = StreetDrive(scenario(name))
    generators = [np.random.default_rng(s) for s in np.random.SeedSequence(2).spawn(3)]
    odometry = WheelOdometry(OdometryParameters(), generators[0])
    wheels = WheelEncoders(WheelParameters(), generators[1])
    imu = Imu(ImuParameters(), generators[2])
    period = drive.scenario.period
    for _ in range(round(min(seconds, drive.scenario.duration) / period)):
        ego = drive.advance().ego
        step = odometry.step(ego.speed, ego.yaw_rate, period)
        rates = wheels.measure(ego.speed, ego.yaw_rate, ego.steering)
        felt = imu.measure(*planar_motion(ego.yaw, ego.speed, ego.acceleration, ego.yaw_rate))
        yield np.array(
            [step.x, step.y, step.yaw, *rates.rates, rates.steering, *felt.orientation,
             *felt.specific_force, *felt.angular_velocity]
        ).tobytes()  # fmt: skip


def pictures(moment: Moment, samples: int) -> dict[str, np.ndarray]:
    """(H, W, 3) uint8 of all cameras, with their flaws, by name."""
    config, generator = CameraConfig(samples=samples), np.random.default_rng(0)
    with CameraRig(moment.scene.model, CAMERAS, config, generator) as rig:
        return rig.capture(moment.scene.data)


def pictures_by(
    renderer: str, names: Sequence[str], folder: Path, samples: int
) -> dict[str, dict[str, np.ndarray]]:
    """Pictures by scenario and camera, drawn by a process with one of ``RENDERERS``."""
    folder.mkdir()
    in_a_process(["pictures", str(folder), str(samples), *names], RENDERERS[renderer])
    return {name: dict(np.load(folder / f"{name}.npz")) for name in names}


def in_a_process(words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run this program elsewhere.

    Args:
        words: after the name of the program.
        environment: what differs in it from this one.

    Returns:
        What it printed.

    Raises:
        NoRenderer: the process could not draw.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "support.street_bytes", *words],
        cwd=Path(__file__).resolve().parents[1], env={**os.environ, **(environment or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode == _NO_RENDERER:
        raise NoRenderer(ended.stderr.strip())
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def main(task: str, *words: str) -> int:
    try:
        if task == "digests":
            print(json.dumps({name: digests(name) for name in words}))
        else:
            folder, samples, *names = words
            for name in names:
                moment = next(moments(name, count=1, cameras=CAMERAS))
                np.savez(Path(folder) / f"{name}.npz", **pictures(moment, int(samples)))
    except RendererError as err:
        print(err, file=sys.stderr)
        return _NO_RENDERER
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
