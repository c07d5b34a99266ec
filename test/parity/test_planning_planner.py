"""Costs, choice and refinement of candidates against the authors' own code."""

import json

import pytest
import torch
from support.lidar_vectors import Vectors
from support.planning_vectors import assert_near, cases, network_of, vectors_of, weights_of

from snn_ros.planning.paper.costs import scene_of
from snn_ros.planning.paper.grid import Grid
from snn_ros.planning.paper.planner import PaperPlanner, mirrored, of_command

COST, COST_RELATIVE = 1e-3, 1e-5
TRAJECTORY = 1e-4
EVERY_THIRD = slice(None, None, 3)


def planner_of(path) -> PaperPlanner:
    weights = weights_of(path, "planner")
    channels = weights["reduce_channel.0.layers.conv_down_project.weight"].shape[1]
    planner = PaperPlanner(Grid(), channels, weights["GRU.linear_hh.weight"].shape[1])
    planner.load_state_dict(weights)
    return planner.eval()


def cost_sets(vectors: Vectors):
    """Candidates, street map and target of each set of recorded costs."""
    some, target = vectors["trajs"][:, EVERY_THIRD], vectors["target"]
    logits, binary = vectors["hd_map_logits"], vectors["hd_map_binary"]
    return {
        "logits": (some, logits, target),
        "binary_no_target": (some, binary, torch.zeros_like(target)),
        "expert": (vectors["gt_trajs"][:, None], logits, target),
    }


def assert_cost(actual, expected, what):
    torch.testing.assert_close(
        actual, expected, rtol=COST_RELATIVE, atol=COST, msg=lambda m: f"{what}: {m}"
    )


@pytest.mark.parametrize("margin", [0, 1, 2])
def test_footprint(parity_dir, margin):
    for path in cases(parity_dir, "planner"):
        found = planner_of(path).cost_function.footprint(float(margin))
        assert found.tolist() == vectors_of(path, "planner")[f"footprint_{margin}"].tolist()


@pytest.mark.parametrize("kind", ["logits", "binary_no_target", "expert"])
def test_cost_terms(parity_dir, kind):
    for path in cases(parity_dir, "planner"):
        vectors, planner = vectors_of(path, "planner"), planner_of(path)
        candidates, street, target = cost_sets(vectors)[kind]
        scene = scene_of(vectors["occupancy"], street, vectors["cost_volume"], target)
        costs = planner.cost_function(mirrored(candidates), scene)
        expected = vectors.below(f"cost.{kind}.")
        for name, term in costs._asdict().items():
            assert_cost(term, expected[name], f"{kind} {name}")
        assert_cost(costs.per_candidate, expected["fc"], f"{kind} fc")
        assert_cost(costs.per_step, expected["fo"], f"{kind} fo")
        if "best4_index" in expected:
            cheapest = costs.total.sort(dim=1)
            assert cheapest.indices[:, :4].tolist() == expected["best4_index"].tolist()
            assert_cost(cheapest.values[:, :4], expected["best4_cost"], f"{kind} best")


def test_cost_without_a_lane(parity_dir):
    for path in cases(parity_dir, "planner"):
        vectors, planner = vectors_of(path, "planner"), planner_of(path)
        candidates, street, target = cost_sets(vectors)["binary_no_target"]
        street = street * street.new_tensor([0.0, 1.0])[:, None, None]
        scene = scene_of(vectors["occupancy"], street, vectors["cost_volume"], target)
        costs = planner.cost_function(mirrored(candidates), scene)
        assert_cost(costs.lane, vectors["cost.no_lane"], "lane")


@torch.no_grad()
def test_choice_and_refinement(parity_dir):
    for path in cases(parity_dir, "planner"):
        vectors, planner = vectors_of(path, "planner"), planner_of(path)
        info = json.loads(path.with_name(f"planner_info{path.stem[-2:]}.json").read_text())
        candidates = torch.stack(
            [of_command(*case) for case in zip(vectors["trajs"], info["commands"], strict=True)]
        )
        front, target = vectors["cam_front"], vectors["target"]
        assert_near(planner.initial_hidden(front), vectors["eval.h0"], "h0", TRAJECTORY)
        scene = scene_of(
            vectors["occupancy"], vectors["hd_map_logits"], vectors["cost_volume"], target
        )
        selected = planner.select(candidates, scene)
        assert_near(selected, vectors["eval.selected"], "selected", 0)
        refined = planner(selected, front, target)
        assert_near(refined, vectors["eval.trajectory"], "refined", TRAJECTORY)
        unguided = planner.select(candidates, scene._replace(target=torch.zeros_like(target)))
        refined = planner(unguided, front, torch.zeros_like(target))
        assert_near(refined, vectors["eval.trajectory_no_target"], "no target", TRAJECTORY)


@torch.no_grad()
def test_planner_of_the_whole_network(parity_dir):
    for path in cases(parity_dir, "network_inputs"):
        inputs, outputs = vectors_of(path, "network_inputs"), vectors_of(path, "network_outputs")
        info = json.loads(path.with_name(f"network_info{path.stem[-2:]}.json").read_text())
        planner = network_of(path).planning
        past = inputs["image"].shape[1]
        target, (command,) = inputs["target_point"], info["commands"]
        candidates = of_command(inputs["sample_trajectory"][0, :, 1:], command)[None]
        scene = scene_of(
            outputs["occupancy"][:, past:, 0],
            outputs["hdmap"],
            outputs["costvolume"][:, past:],
            target,
        )
        costs = planner.cost_function(mirrored(candidates), scene)
        assert_cost(costs.per_candidate, outputs["cost_fc"], "fc")
        assert_cost(costs.per_step, outputs["cost_fo"], "fo")
        selected = planner.select(candidates, scene)
        assert_near(selected, outputs["selected"], "selected", 0)
        refined = planner(selected, outputs["cam_front"], target)
        assert_near(refined, outputs["trajectory"], "refined", TRAJECTORY)
