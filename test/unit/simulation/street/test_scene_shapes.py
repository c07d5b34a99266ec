"""Meshes, areas and textures by their geometry."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn_ros.simulation.street import meshes, polygons, textures
from snn_ros.simulation.street.appearance import LIGHTS, Appearance
from snn_ros.simulation.street.swatches import SWATCHES, swatch, swatch_image


def area_of(mesh: meshes.Mesh) -> float:
    edges = mesh.corners[:, 1:] - mesh.corners[:, :1]
    return float(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1).sum() / 2)


def volume_of(mesh: meshes.Mesh) -> float:
    """Signed volume of a closed mesh; positive if its faces look outwards."""
    a, b, c = np.moveaxis(mesh.corners, 1, 0)
    return float((a * np.cross(b, c)).sum() / 6)


star = st.lists(st.floats(0.3, 3.0), min_size=3, max_size=12)


@given(star)
def test_a_polygon_keeps_its_area_in_triangles(radii: list[float]) -> None:
    angle = np.linspace(0.0, 2 * np.pi, len(radii), endpoint=False)
    polygon = np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    x, y = polygon.T
    shoelace = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    mesh = polygons.area(polygon, 0.5, 1.0)
    assert len(mesh.corners) == len(radii) - 2
    assert area_of(mesh) == pytest.approx(shoelace, rel=1e-9)
    assert (mesh.corners[..., 2] == 0.5).all()
    assert mesh.normals[..., 2] == pytest.approx(1.0)


@given(st.floats(1.0, 60.0), st.floats(0.5, 4.0), st.floats(0.5, 8.0))
def test_dashes_have_their_length_and_gaps(length: float, dash: float, gap: float) -> None:
    line = np.array([(0.0, 0.0), (0.6 * length, 0.8 * length)])
    pieces = polygons.dashes(line, dash, gap)
    ends = [(np.linalg.norm(p[0]), np.linalg.norm(p[-1])) for p in pieces]
    for start, end in ends:
        assert end - start == pytest.approx(dash) or end == pytest.approx(length)
    for (_, end), (start, _) in itertools.pairwise(ends):
        assert start - end == pytest.approx(gap)


def test_shared_edges_of_pavements_have_no_kerb() -> None:
    left = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    edges = polygons.outer_edges([left, left + np.array([1.0, 0.0])])
    assert len(edges) == 6
    assert not any((edge[:, 0] == 1.0).all() for edge in edges)


def test_solids_are_closed_and_look_outwards() -> None:
    assert volume_of(meshes.box((2.0, 3.0, 4.0), (5.0, -1.0, 2.0))) == pytest.approx(24.0)
    bar = meshes.tube((1.0, 1.0, 0.0), (1.0, 1.0, 2.0), (0.5, 0.5), 64)
    assert volume_of(bar) == pytest.approx(np.pi * 0.25 * 2.0, rel=0.01)
    ball = meshes.ellipsoid((1.0, 2.0, 0.5), (3.0, 0.0, 0.0), 24)
    assert volume_of(ball) == pytest.approx(4 / 3 * np.pi, rel=0.02)
    assert volume_of(ball.mirrored()) == pytest.approx(volume_of(ball))
    assert meshes.disc((0, 0, 0), (0, -1.0, 0), 1.0).normals[..., 1] == pytest.approx(-1.0)


@given(st.floats(-3.0, 3.0), st.floats(0.2, 3.0), st.floats(0.2, 3.0))
def test_normals_stay_normal_when_a_mesh_is_stretched_and_turned(
    yaw: float, wide: float, high: float
) -> None:
    mesh = meshes.flat_faces(meshes.box((1.0, 1.0, 1.0)).scaled((1.0, wide, high)).corners)
    turned = meshes.box((1.0, 1.0, 1.0)).scaled((1.0, wide, high)).moved((1.0, 2.0, 3.0), yaw)
    expected = mesh.moved((1.0, 2.0, 3.0), yaw)
    np.testing.assert_allclose(turned.corners, expected.corners, atol=1e-12)
    np.testing.assert_allclose(turned.normals, expected.normals, atol=1e-12)


@pytest.mark.parametrize("make", [textures.asphalt, textures.leaves, textures.bark])
def test_textures_repeat_by_seed_and_have_no_seam(make) -> None:
    first, again = (make(np.random.default_rng(4)) for _ in range(2))
    assert (first == again).all()
    assert (first != make(np.random.default_rng(5))).any()
    picture = first.astype(float).mean(axis=-1)
    inside = np.abs(np.diff(picture, axis=1)).mean()
    seam = np.abs(picture[:, 0] - picture[:, -1]).mean()
    assert seam < 1.3 * inside


def test_windows_are_lit_at_night_alone() -> None:
    def lit_share(light: str) -> float:
        lighting = Appearance(light=light).lighting
        image = textures.facade(textures.FACADES[0], lighting, np.random.default_rng(1))
        red, _, blue = np.moveaxis(image.astype(float), -1, 0)
        return float(((red > 170) & (red - blue > 30)).mean())

    wall = lit_share("day")  # this facade's wall is yellow in daylight
    night = lit_share("night")
    assert 0.02 < night < 0.3
    assert wall > night


@pytest.mark.parametrize("light", LIGHTS)
def test_the_sky_is_brighter_at_the_horizon_where_it_should_be(light: str) -> None:
    lighting = Appearance(light=light).lighting
    image = textures.sky(lighting, 0.0, np.random.default_rng(0), size=64)
    side, up = image[:64].astype(float), image[128:192].astype(float)
    assert side[33:40].mean() == pytest.approx(255 * np.mean(lighting.horizon), abs=25)
    assert up[30:34, 30:34].mean() == pytest.approx(255 * np.mean(lighting.zenith), abs=25)


def test_each_swatch_is_its_colour() -> None:
    image = swatch_image()
    for name, colour in SWATCHES.items():
        u, v = swatch(name)
        row, column = int((1.0 - v) * image.shape[0]), int(u * image.shape[1])
        assert image[row, column] == pytest.approx(np.array(colour) * 255.0, abs=1.0)


def test_the_sun_casts_shadows_away_from_itself() -> None:
    appearance = Appearance(sun_azimuth=0.0, sun_elevation=np.pi / 4)
    assert appearance.shadow_offset == pytest.approx((-1.0, 0.0))
    assert np.linalg.norm(appearance.sun_direction) == pytest.approx(1.0)
