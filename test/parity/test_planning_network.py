"""The whole driving network against the authors' own code, stage by stage and end to end."""

import json
from dataclasses import replace

import torch
from support.planning_vectors import (
    assert_near,
    assert_statistics,
    cases,
    module_statistics,
    network_of,
    vectors_of,
    weights_of,
)

from snn_ros.planning.paper.decoder import Decoder
from snn_ros.planning.paper.network import PREDICTION
from snn_ros.planning.paper.quirks import PUBLISHED

REAL = 2e-4
MAPS = 5e-5
END_TO_END = 5e-4
MEANS = 1e-4
# modules of the authors that are functions or parts here
IN_PARTS = {
    "decoder.up1_lif", "encoder.depth_layer_2.upsample", "encoder.feature_layer_2.upsample",
    "encoder.depth_layer_1.0.convs.4", "encoder.feature_layer_1.0.convs.4",
    "future_prediction.dual_lif.conv_decoder_lif", "present_distribution", "temporal_model",
}  # fmt: skip
HEADS = ("segmentation", "pedestrian", "hdmap", "costvolume")


@torch.no_grad()
def test_stages_fed_with_what_the_authors_fed(parity_dir):
    for path in cases(parity_dir, "network_inputs"):
        network, stages = network_of(path), vectors_of(path, "network_stages")
        inputs, outputs = vectors_of(path, "network_inputs"), vectors_of(path, "network_outputs")
        encoded = network.encoder(inputs["image"].flatten(0, 2))
        assert_near(encoded.skip_rate, stages["encoder.skip_rate"], "skip", 0)
        assert_near(encoded.deep_spikes, stages["encoder.deep_spikes"], "deep", 0)
        assert_near(encoded.feature, stages["encoder.feature"], "feature", REAL)
        assert_near(encoded.depth_logits, stages["encoder.depth_logits"], "depth", REAL)

        shape = inputs["image"].shape[:3]
        maps = network.seen_from_above(
            stages["encoder.feature"].unflatten(0, shape),
            stages["encoder.depth_logits"].unflatten(0, shape),
            inputs["intrinsics"],
            inputs["extrinsics"],
            inputs["future_egomotion"],
        )
        assert_near(maps, stages["bev"], "maps", MAPS)

        states = stages["states"]
        latent = network.latent(states)
        joined = torch.cat([latent.mu, latent.log_sigma], dim=1)
        assert_near(joined, stages["mu_log_sigma"][:, 0], "latent", REAL)
        assert_near(latent.mu, stages["latent"][:, 0], "mean", REAL)
        dual = stages["dual_output"]
        predicted = network.future_prediction.dual_lif(
            states, stages["latent"][:, 0], network.config.future
        )
        assert_near(predicted, dual, "dual pathway", 0)
        refined = network.future_prediction.refined(states, dual.float())
        assert_near(refined, stages["prediction_states"], "residual stages", REAL)
        decoded = network.decoder(stages["prediction_states"])
        assert set(decoded) == set(HEADS)
        for name in HEADS:
            assert_near(decoded[name], outputs[name], name, REAL)
        hidden = network.planning.initial_hidden(outputs["cam_front"])
        assert_near(hidden, stages["planner.h0"], "hidden state", REAL)
        stages.assert_all_read()


@torch.no_grad()
def test_end_to_end(parity_dir):
    for path in cases(parity_dir, "network_inputs"):
        inputs, outputs = vectors_of(path, "network_inputs"), vectors_of(path, "network_outputs")
        network = network_of(path)
        names = ("image", "intrinsics", "extrinsics", "future_egomotion")
        with module_statistics(network) as statistics:
            found, perceived = network(*(inputs[name] for name in names))
        for name in HEADS:
            assert_near(found[name], outputs[name], name, END_TO_END)
        assert_near(perceived.front, outputs["cam_front"], "front view", END_TO_END)
        cars, people = (found[name].argmax(2) for name in ("segmentation", "pedestrian"))
        occupied = (cars | people)[:, :, None]
        assert (occupied == outputs["occupancy"]).all()
        probes = json.loads(path.with_name(f"network_probes{path.stem[-2:]}.json").read_text())
        assert_statistics(statistics, probes, IN_PARTS, MEANS)


@torch.no_grad()
def test_time_axis_of_a_batch(parity_dir):
    """The published layout mixes two samples; a transposed one gives each sample's own result."""
    for path in cases(parity_dir, "batch_layout"):
        vectors = vectors_of(path, "batch_layout")
        for reshaped, names in ((True, ("both",)), (False, ("first", "second"))):
            network = network_of(path, replace(PUBLISHED, reshaped_time=reshaped))
            latent = vectors["latent"][:, 0]
            predicted = network.future_prediction(vectors["states"], latent, network.config.future)
            found = {"prediction_states": predicted, **network.decoder(predicted)}
            for kind in ("prediction_states", "segmentation", "hdmap"):
                expected = torch.cat([vectors[f"{name}.{kind}"] for name in names])
                assert_near(found[kind], expected, f"{kind} {names}", REAL)
        vectors.assert_all_read()


@torch.no_grad()
def test_instance_heads(parity_dir):
    for path in cases(parity_dir, "instance_heads"):
        whole, vectors = network_of(path), vectors_of(path, "instance_heads")
        decoder = Decoder(
            whole.config.map_channels,
            whole.config.decoder_widths,
            PREDICTION.outputs,
            present=whole.config.past - 1,
            quirks=PUBLISHED,
        ).eval()
        trunk = whole.decoder.state_dict()
        weights = {name: trunk[name] for name in decoder.state_dict() if name in trunk}
        decoder.load_state_dict(weights | weights_of(path, "instance_heads"))
        states = vectors_of(path, "network_stages")["prediction_states"]
        frames = whole.config.past + PREDICTION.future
        found = decoder(states[:, :frames])
        for name, value in found.items():
            assert_near(value, vectors[name], name, REAL)
        vectors.assert_all_read()
