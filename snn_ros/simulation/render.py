"""Pictures of a simulated world, with or without a display."""

from __future__ import annotations

import contextlib
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
SENSED_GROUPS = (1, 1, 0, 0, 0, 0)
"""Which of MuJoCo's geom groups sensors see, as a mask; the others only decorate pictures."""

_CODED_COLOURS = [int(mujoco.mjtRndFlag.mjRND_SEGMENT), int(mujoco.mjtRndFlag.mjRND_IDCOLOR)]
_ADVICE = "on Debian or Ubuntu install libegl1 and libgl1-mesa-dri, or libosmesa6"


class RendererError(SnnRosError):
    """No off-screen renderer works on this machine."""


class Renderer:
    """Draws frames of a MuJoCo model. Close it, or use it in a ``with`` statement.

    One graphics context and its buffers serve all cameras and all sizes up to the largest.
    """

    def __init__(self, model: Any, *, width: int = 1280, height: int = 720) -> None:
        """Make the off-screen context.

        The back ends EGL and OSMesa are tried, or the one that ``MUJOCO_GL`` names.

        Args:
            model: the ``mujoco.MjModel`` to draw.
            width: of the largest frame, in pixels.
            height: of the largest frame, in pixels.

        Raises:
            RendererError: says which back ends were tried, and what to install.
        """
        self._context, self._resources = _open(model, width, height)
        self._model = model
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 100)
        self._size = (width, height)
        self._all_groups, self._sensed_groups = mujoco.MjvOption(), mujoco.MjvOption()
        self._sensed_groups.geomgroup[:] = SENSED_GROUPS

    def frame(
        self, data: Any, camera: str = "overview", *, size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """Draw the world as it is now.

        Args:
            data: the ``mujoco.MjData`` to draw.
            camera: a camera of the model by name.
            size: width and height in pixels; by default the largest.

        Returns:
            (height, width, 3) uint8 RGB, first row at the top.
        """
        area = self._draw(data, camera, size, self._all_groups)
        pixels = np.empty((area.height, area.width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, area, self._resources)
        return np.flipud(pixels)

    def depth_and_geoms(
        self, data: Any, camera: str = "overview", *, size: tuple[int, int] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """How far away and what is in each pixel; what only decorates pictures is left out.

        Args:
            data: the ``mujoco.MjData`` to look at.
            camera: a camera of the model by name.
            size: width and height in pixels; by default the largest.

        Returns:
            (height, width) float32 depth along the optical axis in m, inf where there is nothing,
            and (height, width) int32 geom id, -1 where there is nothing.
        """
        self._scene.flags[_CODED_COLOURS] = True
        try:
            area = self._draw(data, camera, size, self._sensed_groups)
        finally:
            self._scene.flags[_CODED_COLOURS] = False
        colours = np.empty((area.height, area.width, 3), dtype=np.uint8)
        buffer = np.empty((area.height, area.width), dtype=np.float32)
        mujoco.mjr_readPixels(colours, buffer, area, self._resources)
        geoms = self._geom_of_code()[colours @ np.array([1, 1 << 8, 1 << 16])]
        depth = np.where(geoms < 0, np.inf, self._metres(buffer)).astype(np.float32)
        return np.flipud(depth), np.flipud(geoms)

    def _draw(
        self, data: Any, camera: str, size: tuple[int, int] | None, option: Any
    ) -> mujoco.MjrRect:
        """Draw into the buffers; the area that was drawn to."""
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = self._model.camera(camera).id
        mujoco.mj_camlight(self._model, data)
        # infinite planes are laid out around the camera of the update before
        mujoco.mjv_updateCamera(self._model, data, view, self._scene)
        mujoco.mjv_updateScene(
            self._model, data, option, None, view, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        area = mujoco.MjrRect(0, 0, *(size or self._size))
        self._context.make_current()
        mujoco.mjr_render(area, self._scene, self._resources)
        return area

    def _geom_of_code(self) -> NDArray[np.int32]:
        """Geom id by the number that a pixel's colour stands for; 0 is the background."""
        geom_of_code = np.full(self._scene.ngeom + 1, -1, dtype=np.int32)
        for drawn in self._scene.geoms[: self._scene.ngeom]:
            if drawn.objtype == mujoco.mjtObj.mjOBJ_GEOM and drawn.segid >= 0:
                geom_of_code[drawn.segid + 1] = drawn.objid
        return geom_of_code

    def _metres(self, buffer: NDArray[np.float32]) -> NDArray[np.float64]:
        """Depth of a depth buffer that holds 1 at the near plane and 0 at the far plane."""
        planes, extent = self._model.vis.map, self._model.stat.extent
        near, far = planes.znear * extent, planes.zfar * extent
        return far * near / (buffer.astype(np.float64) * (far - near) + near)

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
    limits = model.vis.global_
    limits.offwidth, limits.offheight = max(limits.offwidth, width), max(limits.offheight, height)
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    backend = wanted if wanted in _KNOWN else _headless_backend()
    _load_triton()
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
        resources = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    except Exception as err:  # drivers fail in every way there is
        raise RendererError(f"{backend}: {type(err).__name__}: {err}; {_ADVICE}") from err
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, resources)
    resources.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
    return context, resources


@functools.cache
def _load_triton() -> None:
    """Load Triton, where it is installed, so that it keeps to its own LLVM.

    A software driver brings another LLVM, which PyOpenGL makes visible to all that is loaded
    later: Triton, which torch loads when a network is trained, would take functions of the
    driver's and end the process with a segmentation fault. MuJoCo loads OSMesa when it is
    imported, so to load Triton first is not enough.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("triton")
    finally:
        sys.setdlopenflags(flags)


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
