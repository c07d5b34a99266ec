"""A MuJoCo model in the making, with a record of what each geom is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from snn_ros.simulation.street.appearance import Colour
from snn_ros.simulation.street.meshes import Mesh
from snn_ros.simulation.street.surfaces import (
    DECORATION_GROUP,
    GLASS_GROUP,
    SOLID_GROUP,
    Surface,
    SurfaceTable,
)

_RGB = mujoco.mjtTextureRole.mjTEXROLE_RGB


class WorldBuilder:
    """Adds textures, materials and meshes to an ``MjSpec``; nothing in it collides."""

    def __init__(self) -> None:
        self.spec = mujoco.MjSpec()
        self._surfaces: dict[str, Surface] = {}
        self._materials: set[str] = set()

    @property
    def world(self) -> Any:
        """The body of all that stands still."""
        return self.spec.worldbody

    def add_texture(self, name: str, image: NDArray[np.uint8], *, sky: bool = False) -> str:
        """Add an (H, W, 3) image, first row at the top; six faces below each other for the sky."""
        kind = mujoco.mjtTexture.mjTEXTURE_SKYBOX if sky else mujoco.mjtTexture.mjTEXTURE_2D
        texture = self.spec.add_texture(
            name=name, type=kind, width=image.shape[1], height=image.shape[0], nchannel=3
        )
        # MuJoCo's texture coordinate v grows downwards in an image; ours grows upwards.
        texture.data = np.ascontiguousarray(image if sky else image[::-1]).tobytes()
        return name

    def add_material(
        self,
        name: str,
        *,
        texture: str = "",
        colour: Sequence[float] = (1.0, 1.0, 1.0),
        specular: float = 0.0,
        shininess: float = 0.0,
        emission: float = 0.0,
        repeat: float = 0.0,
    ) -> str:
        """Add a material once; a name that exists stays as it is.

        ``repeat`` is for planes alone: repetitions of the texture in a metre.
        """
        if name in self._materials:
            return name
        self._materials.add(name)
        material = self.spec.add_material(
            name=name,
            rgba=(*colour, 1.0) if len(colour) == 3 else colour,
            specular=specular,
            shininess=shininess,
            emission=emission,
        )
        if repeat:
            material.texuniform, material.texrepeat = True, (repeat, repeat)
        if texture:
            textures = material.textures
            textures[_RGB] = texture
            material.textures = textures
        return name

    def add_mesh(
        self,
        body: Any,
        name: str,
        mesh: Mesh,
        material: str,
        surface: Surface,
        *,
        decoration: bool = False,
    ) -> None:
        """Add a mesh to a body, in the body's frame; an empty one adds nothing."""
        if len(mesh.corners) == 0:
            return
        triangles = len(mesh.corners)
        corner_indices = np.arange(3 * triangles)
        self.spec.add_mesh(
            name=name,
            uservert=mesh.corners.ravel(),
            usernormal=mesh.normals.ravel(),
            usertexcoord=mesh.texture.ravel(),
            userface=corner_indices,
            userfacenormal=corner_indices,
            userfacetexcoord=corner_indices,
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
        )
        self._add(
            body, name, surface, decoration, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name,
            material=material,
        )  # fmt: skip

    def add_plane(self, name: str, height: float, material: str, surface: Surface) -> None:
        """Add a level plane without end."""
        self._add(
            self.world, name, surface, False, type=mujoco.mjtGeom.mjGEOM_PLANE,
            size=(0.0, 0.0, 1.0), pos=(0.0, 0.0, height), material=material,
        )  # fmt: skip

    def add_ground_colour(self, name: str, colour: Colour, alpha: float) -> str:
        """Add a see-through colour that takes no light: a shadow, or light on the ground."""
        return self.add_material(name, colour=(*colour, alpha), emission=1.0)

    def surface_table(self, model: Any) -> SurfaceTable:
        """What each geom of the compiled model is."""
        return SurfaceTable.of([self._surfaces[model.geom(i).name] for i in range(model.ngeom)])

    def _add(
        self, body: Any, name: str, surface: Surface, decoration: bool, **geometry: Any
    ) -> None:
        self._surfaces[name] = surface
        group = GLASS_GROUP if surface.glass else SOLID_GROUP
        body.add_geom(
            name=name,
            group=DECORATION_GROUP if decoration else group,
            contype=0,
            conaffinity=0,
            mass=0.0,
            **geometry,
        )
