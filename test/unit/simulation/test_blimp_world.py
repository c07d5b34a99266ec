"""The blimp's physics against closed forms."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn_ros.configuration import ConfigurationError
from snn_ros.simulation.blimp_world import TIMESTEP, BlimpWorld, StartPose
from snn_ros.simulation.vehicles.blimp_parameters import GRAVITY, BlimpParameters
from snn_ros.simulation.wind import Pulse, WindParameters
from snn_ros.simulation.worlds.room import RoomParameters

BLIMP = BlimpParameters()
HALL = RoomParameters(length=40.0, width=40.0, height=20.0, furniture=False)
ABOVE = StartPose(altitude=15.0)


def test_base_link_moves_with_the_range_finder() -> None:
    world = BlimpWorld(room=HALL, start=StartPose(x=1.0, y=-2.0, altitude=10.0, yaw=0.4))
    assert world.pose[:3, 3] == pytest.approx((1.0, -2.0, 10.0))
    world.data.qvel[:] = (0.3, 0.2, 0.1, 0.5, -0.4, 0.3)
    for _ in range(50):
        before = world.pose
        coasting(world, TIMESTEP)
    moved = (world.pose - before)[:3, 3] / TIMESTEP
    assert before[:3, :3] @ world.velocity[:3] == pytest.approx(moved, abs=0.01)


def coasting(world: BlimpWorld, duration: float) -> None:
    world.step(0.0, 0.0, 0.0, duration)


def test_default_blimp_is_that_of_the_specification() -> None:
    assert BLIMP.effective_mass == pytest.approx(0.45, rel=2e-3)
    assert BLIMP.gondola_mass + BLIMP.trim_ballast == pytest.approx(0.140, abs=1e-3)
    assert 0.20 <= BLIMP.displaced_mass / 1.204 <= 0.23
    world = BlimpWorld()
    assert sum(world.model.body_mass) == pytest.approx(BLIMP.displaced_mass, rel=1e-12)


def test_neutral_blimp_stays_where_it_is() -> None:
    world = BlimpWorld(start=StartPose(altitude=1.0, yaw=0.7))
    start = world.pose
    coasting(world, 60.0)
    np.testing.assert_allclose(world.pose, start, atol=1e-9)
    assert world.specific_force == pytest.approx((0.0, 0.0, GRAVITY), abs=1e-9)


@pytest.mark.parametrize("grams", [4.5, -4.5, 2.0])
def test_ballast_accelerates_the_effective_mass(grams: float) -> None:
    world = BlimpWorld(room=HALL, start=ABOVE)
    world.set_ballast(grams)
    coasting(world, 0.1)
    weight = grams * 1e-3 * GRAVITY
    acceleration = world.velocity[2] / world.time
    assert acceleration == pytest.approx(-weight / (BLIMP.effective_mass + grams * 1e-3), rel=1e-3)
    # the accelerometer feels gravity and its own acceleration
    assert world.specific_force[2] == pytest.approx(GRAVITY + acceleration, abs=1e-3)
    assert world.ballast == pytest.approx(grams)


def test_more_ballast_cannot_be_taken_than_hangs_there() -> None:
    with pytest.raises(ValueError, match=r"grams = -20\.0: only 10\.4 g"):
        BlimpWorld().set_ballast(-20.0)


@pytest.mark.parametrize("plant", ["A", "B"])
def test_terminal_velocity(plant: str) -> None:
    blimp = replace(BLIMP, plant=plant)
    world = BlimpWorld(blimp, HALL, start=ABOVE)
    world.set_ballast(4.5)
    coasting(world, 25.0)
    expected = math.sqrt(4.5e-3 * GRAVITY / blimp.quadratic_drag[2])
    assert -world.velocity[2] == pytest.approx(expected, rel=1e-3)


def test_free_response_to_a_push() -> None:
    world = BlimpWorld(room=HALL, start=StartPose(altitude=10.0))
    world.data.qvel[2] = speed = 0.8
    coasting(world, 10.0)
    rate = BLIMP.quadratic_drag[2] / BLIMP.effective_mass
    assert world.velocity[2] == pytest.approx(speed / (1 + rate * speed * 10.0), rel=5e-3)
    climbed = math.log(1 + rate * speed * 10.0) / rate
    assert world.altitude - 10.0 == pytest.approx(climbed, rel=5e-3)


@pytest.mark.parametrize(("turns_about", "slides_along"), [(0, 1), (1, 0)])
def test_pendulum_period(turns_about: int, slides_along: int) -> None:
    """Rotation about the hull's centre, whose mass below drags the hull along sideways."""
    blimp = replace(BLIMP, rotational_linear_drag=(0.0, 0.0, 0.0), linear_drag=(0.0, 0.0, 0.0))
    world = BlimpWorld(blimp, HALL, start=StartPose(altitude=10.0))
    angle = 0.02
    component = 4 + turns_about
    world.data.qpos[3], world.data.qpos[component] = math.cos(angle / 2), math.sin(angle / 2)
    quaternion = []
    for _ in range(2000):
        coasting(world, TIMESTEP)
        quaternion.append(world.data.qpos[component])
    crossings = np.flatnonzero(np.diff(np.sign(quaternion)))
    period = 2 * (crossings[-1] - crossings[0]) / (len(crossings) - 1) * TIMESTEP

    hanging = blimp.gondola_mass + blimp.trim_ballast
    first_moment = hanging * blimp.gondola_depth  # total mass times r_z
    a, b = blimp.half_length, blimp.radius
    squares = (2 * b**2, a**2 + b**2)[turns_about]
    inertia = squares * (blimp.gas_mass / 5 + blimp.skin_mass / 3)
    inertia += hanging * blimp.gondola_depth**2 + blimp.added_inertia[turns_about]
    sideways = blimp.displaced_mass + blimp.added_mass[slides_along]
    effective = inertia - first_moment**2 / sideways
    stiffness = first_moment * GRAVITY
    assert period == pytest.approx(2 * math.pi * math.sqrt(effective / stiffness), rel=0.01)


def test_forward_thrust_pushes_forward_and_lifts_the_nose() -> None:
    world = BlimpWorld(room=HALL, start=StartPose(altitude=10.0, yaw=0.3))
    world.step(0.6, 0.6, math.pi / 2, 1.5)
    forward = world.pose[:3, 0]
    assert world.velocity[0] > 0.05
    assert forward[2] > 0.01
    assert math.atan2(forward[1], forward[0]) == pytest.approx(0.3, abs=1e-6)


def test_stronger_right_motor_turns_left() -> None:
    world = BlimpWorld(room=HALL, start=StartPose(altitude=10.0))
    world.step(0.3, 0.6, math.pi / 2, 1.0)
    assert world.velocity[5] > 0.01


def test_munk_moment_turns_the_hull_broadside_on() -> None:
    world = BlimpWorld(room=HALL, start=StartPose(altitude=10.0, yaw=0.2))
    world.data.qvel[0] = 1.0  # along world x, so the air comes from 0.2 rad off the nose
    coasting(world, 1.0)
    heading = math.atan2(world.pose[1, 0], world.pose[0, 0])
    assert heading > 0.25


def test_a_draught_carries_the_blimp_along() -> None:
    wind = WindParameters(pulses=(Pulse(1.0, 60.0, (0.0, 0.3, 0.0)),))
    world = BlimpWorld(room=HALL, start=StartPose(altitude=10.0), wind=wind)
    coasting(world, 1.0)
    assert np.abs(world.velocity).max() < 1e-9
    coasting(world, 60.0)
    assert world.velocity[1] == pytest.approx(0.3, abs=0.02)


def test_floor_contact_reports_the_approach_speed() -> None:
    world = BlimpWorld(start=StartPose(altitude=0.5))
    world.set_ballast(4.5)
    speed = 0.0
    while not world.contacts:
        speed = -world.velocity[2]
        coasting(world, TIMESTEP)
    contact = world.contacts[0]
    assert contact.surface == "floor"
    assert contact.speed == pytest.approx(speed, rel=0.02)
    assert contact.time == pytest.approx(world.time, abs=2 * TIMESTEP)
    coasting(world, 20.0)
    assert world.touching == {"floor"}
    assert np.abs(world.velocity).max() < 1e-3
    # it rests with its net weight on the floor
    assert world.data.qfrc_constraint[2] == pytest.approx(4.5e-3 * GRAVITY, rel=1e-3)


def test_a_bump_stops_the_air_carried_along_too() -> None:
    world = BlimpWorld(start=StartPose(altitude=0.5))
    world.set_ballast(4.5)
    while not world.contacts:
        before = world.velocity[2]
        coasting(world, TIMESTEP)
    impulse, began = 0.0, world.time
    impulse += world.data.qfrc_constraint[2] * TIMESTEP
    while world.touching:
        coasting(world, TIMESTEP)
        impulse += world.data.qfrc_constraint[2] * TIMESTEP
    change = world.velocity[2] - before
    weight = 4.5e-3 * GRAVITY * (world.time - began + TIMESTEP)
    mass = BLIMP.effective_mass + 4.5e-3
    assert impulse == pytest.approx(mass * change + weight, rel=0.02)


def test_ceiling_contact() -> None:
    world = BlimpWorld(start=StartPose(altitude=2.0))
    world.set_ballast(-9.0)
    coasting(world, 10.0)
    assert world.contacts[0].surface == "ceiling"
    assert 0.1 < world.contacts[0].speed < 0.5
    top = world.room.height - BLIMP.radius - BLIMP.range_finder_depth
    assert world.altitude == pytest.approx(top, abs=0.01)


def test_wall_contact() -> None:
    wind = WindParameters(pulses=(Pulse(0.0, 60.0, (0.0, -0.5, 0.0)),))
    world = BlimpWorld(start=StartPose(altitude=1.5, x=-1.0), wind=wind)
    coasting(world, 30.0)
    assert {contact.surface for contact in world.contacts} == {"wall_right"}


def test_a_start_inside_furniture_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"altitude=0\.5.*inside.*table"):
        BlimpWorld(start=StartPose(x=2.0, y=-1.35, altitude=0.5))


@pytest.mark.parametrize("grip", ["up", "down"])
def test_a_hand_holds_against_full_thrust_and_lets_go(grip: str) -> None:
    tilt = {"up": 0.0, "down": math.pi}[grip]
    world = BlimpWorld(replace(BLIMP, plant="B"), start=StartPose(altitude=1.0))
    world.hold()
    world.step(1.0, 1.0, tilt, 10.0)
    assert world.altitude == pytest.approx(1.0, abs=0.02)
    world.release()
    world.step(1.0, 1.0, tilt, 0.5)
    assert abs(world.altitude - 1.0) > 0.1


@pytest.mark.parametrize("pitch", [0.0, 0.3, -0.5])
def test_beam_lengthens_with_attitude(pitch: float) -> None:
    world = BlimpWorld(start=StartPose(altitude=1.2))
    world.data.qpos[3:7] = (math.cos(pitch / 2), 0.0, math.sin(pitch / 2), 0.0)
    world.step(0.0, 0.0, 0.0, 0.0)  # only brings derived quantities up to date
    assert world.beam() == pytest.approx(world.altitude / math.cos(pitch), abs=1e-9)


def test_beam_sees_the_table() -> None:
    world = BlimpWorld(start=StartPose(x=2.0, y=-1.35, altitude=1.5))
    assert world.beam() == pytest.approx(1.5 - 0.75)
    bare = BlimpWorld(
        room=RoomParameters(furniture=False), start=StartPose(x=2.0, y=-1.35, altitude=1.5)
    )
    assert bare.beam() == pytest.approx(1.5)


def trajectory_hash(world: BlimpWorld) -> str:
    digest = hashlib.sha256()
    for i in range(100):
        world.step(0.6, 0.5, 0.0 if i % 20 < 10 else math.pi, 0.1)
        digest.update(world.data.qpos.tobytes() + world.data.qvel.tobytes())
    return digest.hexdigest()


def test_same_seed_same_bytes() -> None:
    wind = WindParameters(turbulence=(0.05, 0.05, 0.1))
    world = BlimpWorld(wind=wind, seed=3)
    first = trajectory_hash(world)
    world.reset()
    assert trajectory_hash(world) == first
    assert trajectory_hash(BlimpWorld(wind=wind, seed=3)) == first
    assert trajectory_hash(BlimpWorld(wind=wind, seed=4)) != first


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(-1, 4)), min_size=3, max_size=8
    )
)
def test_whatever_is_commanded_the_state_stays_sound(commands: list) -> None:
    world = BlimpWorld(replace(BLIMP, plant="B"))
    for command in commands:
        world.step(*command, 2.0)
        assert np.isfinite(world.pose).all()
        assert np.abs(world.velocity).max() < 20.0
        assert np.abs(world.pose[:3, 3]).max() < 5.0
        np.testing.assert_allclose(world.pose[:3, :3] @ world.pose[:3, :3].T, np.eye(3), atol=1e-9)


def test_a_command_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        BlimpWorld().step(math.nan, 0.0, 0.0, 0.1)
