"""The 6-DoF motion against Fossen's equations, written and integrated independently."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation

from snn_ros.simulation.blimp_world import TIMESTEP, BlimpWorld, StartPose
from snn_ros.simulation.vehicles.blimp_parameters import GRAVITY, BlimpParameters
from snn_ros.simulation.worlds.room import RoomParameters

HALL = RoomParameters(length=40.0, width=40.0, height=20.0, furniture=False)
FINE = 5e-4  # s


def skew(v: np.ndarray) -> np.ndarray:
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def mass_matrix(blimp: BlimpParameters) -> np.ndarray:
    """M = M_RB + M_A about the centre of buoyancy, body axes."""
    hanging = blimp.gondola_mass + blimp.trim_ballast
    mass = blimp.displaced_mass
    centre = np.array([0, 0, -hanging * blimp.gondola_depth / mass])
    a, b = blimp.half_length, blimp.radius
    shell = blimp.gas_mass / 5 + blimp.skin_mass / 3
    inertia = shell * np.diag([2 * b**2, a**2 + b**2, a**2 + b**2])
    arm = np.array([0, 0, -blimp.gondola_depth])
    inertia -= hanging * skew(arm) @ skew(arm)
    x, y, z = 0.07, 0.03, 0.025  # the gondola's half sizes
    inertia += blimp.gondola_mass / 3 * np.diag([y**2 + z**2, x**2 + z**2, x**2 + y**2])
    matrix = np.zeros((6, 6))
    matrix[:3, :3] = mass * np.eye(3) + np.diag(blimp.added_mass)
    matrix[:3, 3:] = -mass * skew(centre)
    matrix[3:, :3] = mass * skew(centre)
    matrix[3:, 3:] = inertia + np.diag(blimp.added_inertia)
    return matrix


def coriolis(matrix: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """C(nu) from M in the skew-symmetric form of Fossen (theorem 3.2)."""
    momentum = matrix @ nu
    c = np.zeros((6, 6))
    c[:3, 3:] = -skew(momentum[:3])
    c[3:, :3] = -skew(momentum[:3])
    c[3:, 3:] = -skew(momentum[3:])
    return c


def derivative(blimp: BlimpParameters, matrix: np.ndarray, state: np.ndarray) -> np.ndarray:
    rotation = Rotation.from_quat(state[3:7])
    nu = state[7:]
    linear = np.array([*blimp.linear_drag, *blimp.rotational_linear_drag])
    quadratic = np.array([*blimp.quadratic_drag, *blimp.rotational_drag])
    hanging = blimp.gondola_mass + blimp.trim_ballast
    down = rotation.inv().apply([0, 0, -GRAVITY])
    restoring = np.cross([0, 0, -blimp.gondola_depth * hanging], down)  # weight = buoyancy
    force = -(linear + quadratic * np.abs(nu)) * nu - coriolis(matrix, nu) @ nu
    force[3:] += restoring
    turn = 0.5 * (rotation.as_matrix() @ nu[3:])
    q = state[3:7]
    q_dot = np.array([*(turn * q[3] + np.cross(turn, q[:3])), -turn @ q[:3]])
    return np.concatenate([rotation.apply(nu[:3]), q_dot, np.linalg.solve(matrix, force)])


def hull_velocity(world: BlimpWorld) -> np.ndarray:
    return np.concatenate([world.pose[:3, :3].T @ world.data.qvel[:3], world.data.qvel[3:]])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_motion_follows_fossens_equations(seed: int) -> None:
    generator = np.random.default_rng(seed)
    blimp = replace(BlimpParameters(), rotational_drag=(0.001, 0.008, 0.008))
    world = BlimpWorld(blimp, HALL, start=StartPose(altitude=10.0))
    rotation = Rotation.from_rotvec(generator.uniform(-0.6, 0.6, 3))
    velocity, rate = generator.uniform(-0.6, 0.6, (2, 3))
    x, y, z, w = rotation.as_quat()
    world.data.qpos[3:7] = (w, x, y, z)
    world.data.qvel[:] = (*rotation.apply(velocity), *rate)
    start = np.concatenate([world.data.qpos[:3], rotation.as_quat(), velocity, rate])

    world.model.opt.timestep = FINE
    world.step(0.0, 0.0, 0.0, 5.0 / FINE * TIMESTEP)

    matrix = mass_matrix(blimp)
    solution = solve_ivp(
        lambda _, state: derivative(blimp, matrix, state), (0.0, 5.0), start, rtol=1e-9, atol=1e-9
    )
    end = solution.y[:, -1]
    np.testing.assert_allclose(world.data.qpos[:3], end[:3], atol=3e-3)
    np.testing.assert_allclose(
        world.pose[:3, :3], Rotation.from_quat(end[3:7]).as_matrix(), atol=5e-3
    )
    np.testing.assert_allclose(hull_velocity(world), end[7:], atol=1e-2)


def test_still_air_only_takes_energy() -> None:
    blimp = BlimpParameters()
    world = BlimpWorld(blimp, HALL, start=StartPose(altitude=10.0))
    world.data.qvel[:] = (0.5, -0.3, 0.2, 0.3, -0.4, 0.6)
    world.model.opt.timestep = FINE
    matrix = mass_matrix(blimp)
    hanging = blimp.gondola_mass + blimp.trim_ballast
    energies = []
    for _ in range(200):
        world.step(0.0, 0.0, 0.0, 20 * TIMESTEP)
        nu = hull_velocity(world)
        # weight and buoyancy balance; what is left is the gondola's swing
        swing = hanging * GRAVITY * blimp.gondola_depth * (1 - world.pose[2, 2])
        energies.append(0.5 * nu @ matrix @ nu + swing)
    assert np.diff(energies).max() < 1e-5 * energies[0]
    assert energies[-1] < 0.8 * energies[0]
