"""Cameras to maps seen from above, against the authors' own code at full size."""

from support.planning_vectors import assert_near, cases, vectors_of

from snn_ros.planning.paper.cameras import frustum_of, points_of, resized_and_cropped
from snn_ros.planning.paper.egomotion import inverse, matrices_of, motions_of
from snn_ros.planning.paper.lift_splat import moved_to_present, seen_from_above
from snn_ros.planning.paper.network import PLANNING

POINTS = 1e-4  # m
MATRICES = 1e-6
MAPS = 2e-5
SAMPLED = (slice(None), slice(None), slice(None, None, 5), slice(None, None, 5),
           slice(None, None, 7))  # fmt: skip


def test_motions_as_matrices(parity_dir):
    for path in cases(parity_dir, "bev"):
        vectors = vectors_of(path, "bev")
        matrices = vectors["pose.mat"]
        assert_near(matrices_of(vectors["pose.vec"]), matrices, "matrices", MATRICES)
        assert_near(motions_of(matrices), vectors["pose.vec_again"], "motions", MATRICES)
        assert_near(inverse(matrices), vectors["pose.inverse"], "inverses", MATRICES)


def test_intrinsics_of_the_network_s_images(parity_dir):
    for path in cases(parity_dir, "bev"):
        vectors = vectors_of(path, "bev")
        found = resized_and_cropped(vectors["update_intrinsics.in"], scale=0.3, top=46)
        assert_near(found, vectors["update_intrinsics.out"], "intrinsics", POINTS)


def test_lift_and_splat(parity_dir):
    for path in cases(parity_dir, "bev"):
        vectors = vectors_of(path, "bev")
        frustum = frustum_of(PLANNING.image_size, PLANNING.depth)
        assert_near(frustum[0], vectors["frustum"], "frustum", POINTS)
        points = points_of(frustum, vectors["intrinsics"], vectors["extrinsics"])
        assert_near(points[0][SAMPLED], vectors["geometry_sample"], "points", POINTS)
        cameras = vectors["cameras_used"].tolist()
        present = moved_to_present(points, vectors["egomotion"])[:, :, cameras]
        expected = vectors["points_present_frame_sample"]
        assert_near(present[0][SAMPLED], expected, "points in the present frame", POINTS)

        shape = vectors["depth_prediction_shape"].tolist()
        logits = vectors["depth_logits"].reshape(shape)
        feature = vectors["feature"].unflatten(0, shape[:3])
        assert list(feature[:, -1, 1].shape) == vectors["cam_front_shape"].tolist()
        clear = vectors["ambiguous_cells"] == 0
        leak = vectors["truncation_leak_cells"] == 1
        for truncate in (True, False):
            maps = seen_from_above(feature, logits, present, PLANNING.grid, truncate=truncate)
            difference = (maps[0] - vectors["bev"]).abs().amax(1)
            assert difference[clear & ~leak].max() < MAPS
            assert (difference[clear & leak].max() < MAPS) == truncate
