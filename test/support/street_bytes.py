"""What the sensors of street scenarios give, as bytes. A program, to compare processes.

``python -m support.street_bytes digests NAME...`` prints hashes as JSON;
``python -m support.street_bytes pictures FOLDER SAMPLES NAME...`` leaves ``FOLDER/NAME.npz``, drawn
with so many samples per pixel.
"""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from snn_ros.simulation.render import RendererError
from snn_ros.simulation.sensors.camera import CameraConfig, CameraRig
from snn_ros.simulation.street.scenario import TRUTH_IMAGES, SensorChoice, StreetScenario
from snn_ros.simulation.street.simulation import StreetReadings, StreetSimulation, ego_cameras
from support.street_moments import Moment, moments, scenario

CAMERAS = ego_cameras(SensorChoice(cameras="all"))
RENDERERS = {
    "egl": {"MUJOCO_GL": "egl"},
    "osmesa": {"MUJOCO_GL": "osmesa"},
    # Mesa's other rasteriser; it has no multisampling
    "softpipe": {"MUJOCO_GL": "egl", "GALLIUM_DRIVER": "softpipe"},
}
"""Environments of processes that draw with different renderers."""
_PERIODS = 3
_NO_RENDERER = 3  # exit code


class NoRenderer(Exception):
    """A process had no off-screen renderer."""


def digests(name: str) -> dict[str, str]:
    """Hashes of a scenario's model and of each kind of reading, all sensors on."""
    found = {field.name: hashlib.sha256() for field in dataclasses.fields(StreetReadings)}
    found["model"] = hashlib.sha256()
    with StreetSimulation(_with_all_sensors(scenario(name))) as street:
        found["model"].update(_bytes_of_model(street.scene.model))
        for _ in range(_PERIODS):
            readings = street.advance()
            for field in dataclasses.fields(readings):
                _add(found[field.name], getattr(readings, field.name))
    return {part: digest.hexdigest() for part, digest in found.items()}


def _with_all_sensors(chosen: StreetScenario) -> StreetScenario:
    sensors = replace(chosen.sensors, lidar="hdl_64e", cameras="all", truth_images=TRUTH_IMAGES)
    return replace(chosen, sensors=sensors)


def _bytes_of_model(model: mujoco.MjModel) -> bytes:
    buffer = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def _add(digest: Any, value: Any) -> None:
    """Add all that a nested value holds, exactly."""
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _add(digest, getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key in value:
            digest.update(repr(key).encode())
            _add(digest, value[key])
    elif isinstance(value, tuple | list):
        for item in value:
            _add(digest, item)
    else:
        digest.update(repr(value).encode())


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
    # whoever has drawn by one back end in this process left its name here, which binds the other
    inherited = {name: value for name, value in os.environ.items() if name != "PYOPENGL_PLATFORM"}
    ended = subprocess.run(
        [sys.executable, "-m", "support.street_bytes", *words],
        cwd=Path(__file__).resolve().parents[1], env={**inherited, **(environment or {})},
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
