"""Pictures of a simulated world, with or without a display."""

from __future__ import annotations

import os
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.errors import SnnRosError


class RendererError(SnnRosError):
    """No off-screen renderer works on this machine."""


class Renderer:
    """Draws RGB frames of a MuJoCo model. Close it, or use it in a ``with`` statement."""

    def __init__(self, model: Any, *, width: int = 1280, height: int = 720) -> None:
        """Make the off-screen context.

        Without a display and without ``MUJOCO_GL`` the back ends EGL and OSMesa are tried.

        Args:
            model: the ``mujoco.MjModel`` to draw.
            width: of a frame, in pixels.
            height: of a frame, in pixels.

        Raises:
            RendererError: says which back ends were tried, and what to install.
        """
        self._context = _offscreen_context(width, height)
        self._context.make_current()
        self._resources = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._resources)
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


def _offscreen_context(width: int, height: int) -> Any:
    """The first graphics context that works."""
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    failures = []
    for backend in [wanted] if wanted in _BACKENDS else _BACKENDS:
        try:
            return _BACKENDS[backend](width, height)
        except Exception as err:  # noqa: BLE001 - drivers fail in every way there is
            failures.append(f"{backend} ({type(err).__name__}: {err})")
    raise RendererError(
        f"no off-screen renderer: tried {', '.join(failures)}; "
        "on Debian or Ubuntu install libegl1 and libgl1-mesa-dri, or libosmesa6"
    )


def _egl(width: int, height: int) -> Any:
    from mujoco.egl import GLContext

    return GLContext(width, height)


def _osmesa(width: int, height: int) -> Any:
    from mujoco.osmesa import GLContext

    return GLContext(width, height)


def _glfw(width: int, height: int) -> Any:
    from mujoco.glfw import GLContext

    return GLContext(width, height)


_BACKENDS = {"egl": _egl, "osmesa": _osmesa, "glfw": _glfw}
