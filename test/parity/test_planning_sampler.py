"""Candidates of the sampler against the authors' own code, fed with the numbers it drew."""

import numpy as np
from scipy.spatial import KDTree
from support.planning_vectors import cases, vectors_of

from snn_ros.planning.paper.sampler import STRAIGHT, Draws, Sampler

TOLERANCE = 1e-4  # m
CIRCLE, CLOTHOID = 0.0, 1.0  # uniform numbers that choose them


def test_candidates_as_a_set(parity_dir):
    for path in cases(parity_dir, "sampler"):
        vectors = vectors_of(path, "sampler")
        names = sorted({name.split(".")[0] for name in vectors} - {"tt"})
        assert names
        for name in names:
            case = {key: value.numpy() for key, value in vectors.below(f"{name}.").items()}
            speed, curvature = case["v0_kappa"]
            assert np.sign(case["N0"][0]) == (-1.0 if curvature > 0 else 1.0)
            draws = Draws(
                case["u_acceleration"],
                case["u_velocity"],
                case["u_select"],
                case["u_alpha"],
                np.where(case["choice"] == 0, CIRCLE, CLOTHOID),
            )
            found = Sampler(float(vectors["tt"][-1])).candidates(speed, curvature, draws)
            expected = case["trajectories"]
            assert found.shape == expected.shape
            np.testing.assert_allclose(found[:, -1, 0], expected[:, -1, 0], rtol=0, atol=TOLERANCE)
            rows = len(found)
            distance, partner = KDTree(expected.reshape(rows, -1)).query(found.reshape(rows, -1))
            assert distance.max() < TOLERANCE, name
            assert len(set(partner)) == rows, name
            assert (found[:, -1, 0] == 0).sum() == rows // STRAIGHT
        vectors.assert_all_read()
