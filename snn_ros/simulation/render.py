"""Pictures of a simulated world, with or without a display."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError

_HEADLESS = ("egl", "osmesa")
_KNOWN = (*_HEADLESS, "glfw")
_ADVICE = "on Debian or Ubuntu install libegl1 and libgl1-mesa-dri, or libosmesa6"


class RendererError(SnnRosError):
    """No off-screen renderer works on this machine."""


class Renderer:
    """Draws RGB frames of a MuJoCo model. Close it, or use it in a ``with`` statement."""

    def __init__(self, model: Any, *, width: int = 1280, height: int = 720) -> None:
        """Make the off-screen context.

        The back ends EGL and OSMesa are tried, or the one that ``MUJOCO_GL`` names.

        Args:
            model: the ``mujoco.MjModel`` to draw.
            width: of a frame, in pixels.
            height: of a frame, in pixels.

        Raises:
            RendererError: says which back ends were tried, and what to install.
        """
        self._context, self._resources = _open(model, width, height)
        self._model = model
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 100)
        self._area = mujoco.MjrRect(0, 0, width, height)

    def frame(self, data: Any, camera: str = "overview") -> NDArray[np.uint8]:
        """Draw the world as it is now.

        Args:
            data: the ``mujoco.MjData`` to draw.
            camera: a camera of the model by name.

        Returns:
            (height, width, 3) uint8 RGB, first row at the top.
        """
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = self._model.camera(camera).id
        mujoco.mj_camlight(self._model, data)
        mujoco.mjv_updateScene(
            self._model,
            data,
            mujoco.MjvOption(),
            None,
            view,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        self._context.make_current()
        mujoco.mjr_render(self._area, self._scene, self._resources)
        pixels = np.empty((self._area.height, self._area.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._area, self._resources)
        return np.flipud(pixels)

    def close(self) -> None:
        """Free the graphics context."""
        self._resources.free()
        self._context.free()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(model: Any, width: int, height: int) -> tuple[Any, Any]:
    """A graphics context and the model's resources in it."""
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    backend = wanted if wanted in _KNOWN else _headless_backend()
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
        resources = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    except Exception as err:  # drivers fail in every way there is
        raise RendererError(f"{backend}: {type(err).__name__}: {err}; {_ADVICE}") from err
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, resources)
    return context, resources


@functools.cache
def _headless_backend() -> str:
    """The first back end that works here.

    Tried in processes of their own: one that fails leaves libraries behind that make the next one
    fail as well.
    """
    failures = []
    for backend in _HEADLESS:
        attempt = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import mujoco.{backend} as b; b.GLContext(8, 8).make_current()",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if attempt.returncode == 0:
            return backend
        reason = attempt.stderr.strip().splitlines() or [f"exit code {attempt.returncode}"]
        failures.append(f"{backend} ({reason[-1]})")
    raise RendererError(f"no off-screen renderer: tried {', '.join(failures)}; {_ADVICE}")
