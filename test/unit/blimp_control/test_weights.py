"""Weight files: what is written is read, what does not fit is refused by name."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from snn_ros.blimp_control import weights
from snn_ros.blimp_control.published_genome import published_genome
from snn_ros.weight_files import WeightsError


@pytest.fixture
def saved(tmp_path, start_network):
    path = tmp_path / "net.safetensors"
    weights.save(path, start_network, "edge", {"seed": 1}, {"score": 0.5})
    return path


@pytest.fixture
def saved_variant(tmp_path):
    """A recurrent network of two sub-ticks."""
    genome = published_genome("r_lif+r_iwta", sub_ticks=2)
    network = genome.decode(np.random.default_rng(0).uniform(0.2, 0.8, genome.size))
    path = tmp_path / "variant.safetensors"
    weights.save(path, network, "paper")
    return path, network


def edit_manifest(path, **changes):
    file = path.with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_arrays(path, **changes):
    """Write other arrays and make the manifest's hash fit, so that the next check is reached."""
    arrays = {k: v for k, v in (load_file(path) | changes).items() if v is not None}
    save_file(arrays, path)
    digest = weights.hashlib.sha256(path.read_bytes()).hexdigest()
    edit_manifest(path, sha256=digest)


def test_round_trip(saved, start_network):
    parameters, manifest = weights.load(saved, "edge")
    for name, array in start_network.arrays().items():
        assert (getattr(parameters, name) == array).all()
    assert (manifest.rate_hz, manifest.units, manifest.scores) == (10.0, "u10", {"score": 0.5})


def test_round_trip_of_a_variant(saved_variant):
    path, network = saved_variant
    parameters, manifest = weights.load(path, "paper")
    assert (parameters.recurrent_weight == network.recurrent_weight).all()
    assert (parameters.sub_ticks, manifest.sub_ticks) == (2, 2)
    assert (parameters.variant, manifest.variant) == ("r_lif+r_iwta", "r_lif+r_iwta")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"variant": "lif+iwta"}, "the arrays make 'r_lif\\+r_iwta', .* is 'lif\\+iwta'"),
        ({"sub_ticks": 0}, r"sub_ticks must be an integer in \[1, 20\], is 0"),
        ({"sub_ticks": "2"}, "sub_ticks .* is '2'"),
        ({"sub_ticks": 1.5}, "sub_ticks .* is 1.5"),
    ],
)
def test_a_manifest_that_does_not_fit_the_variant_is_refused(saved_variant, changes, text):
    path, _ = saved_variant
    edit_manifest(path, **changes)
    with pytest.raises(WeightsError, match=text):
        weights.load(path)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (np.zeros((80, 3)), r"recurrent_weight has shape \(80, 3\)"),
        (np.full((80, 2), -1.5), r"recurrent_weight must lie in \[-1.0, 1.0\], holds -1.5"),
        (np.full((80, 2), np.inf), "recurrent_weight holds inf"),
        (np.zeros((80, 2), np.float32), "recurrent_weight is float32, not float64"),
        (None, "the arrays make 'lif\\+iwta'"),
    ],
)
def test_recurrence_that_does_not_fit_is_refused(saved_variant, weight, text):
    path, _ = saved_variant
    edit_arrays(path, recurrent_weight=weight)
    with pytest.raises(WeightsError, match=text):
        weights.load(path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rate_hz": 20.0}, "rate_hz is 20.0, not 10.0"),
        ({"schema": 7}, "schema is 7"),
        ({"units": "u3"}, "units is 'u3'"),
        ({"system": "planning"}, "system is 'planning'"),
        ({"profile": "paper"}, "profile is 'paper', not 'edge'"),
        ({"profile": "other"}, "profile is 'other'"),
        ({"error_clip": -1.0}, "error_clip must be above 0, is -1.0"),
        ({"sha256": "0"}, "the manifest says 0"),
        ({"fast": 90}, r"fast must lie in \[0, 80\], is 90"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(saved, changes, text):
    edit_manifest(saved, **changes)
    with pytest.raises(WeightsError, match=text):
        weights.load(saved, "edge")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"own_weight": np.full(80, np.nan)}, "own_weight holds nan"),
        ({"own_weight": np.full(80, 3.0)}, r"own_weight must lie in \[-2.0, 2.0\], holds 3.0"),
        ({"own_weight": np.zeros(10)}, r"own_weight has shape \(10,\), not \(80,\)"),
        ({"own_weight": np.zeros(80, np.float32)}, "own_weight is float32, not float64"),
        ({"own_weight": None}, r"missing arrays \['own_weight'\]"),
        ({"extra": np.zeros(3)}, r"unknown arrays \['extra'\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, changes, text):
    edit_arrays(saved, **changes)
    with pytest.raises(WeightsError, match=text):
        weights.load(saved)


def test_a_changed_file_is_refused(saved):
    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="sha256 is"):
        weights.load(saved)


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_an_absent_file_is_named(saved, suffix):
    saved.with_suffix(suffix).unlink()
    with pytest.raises(WeightsError, match=f"net{suffix}: cannot be read"):
        weights.load(saved)


def test_what_is_no_weight_file_is_refused(saved):
    saved.write_bytes(b"not tensors")
    edit_manifest(saved, sha256=weights.hashlib.sha256(b"not tensors").hexdigest())
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.load(saved)
    saved.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsError, match="not JSON"):
        weights.load(saved)


@pytest.mark.parametrize("profile", ["edge", "paper"])
def test_published_weights_load(profile):
    parameters, manifest = weights.load(weights.default_path(profile), profile)
    assert parameters.cells == weights.CELLS[profile]
    assert (parameters.variant, parameters.sub_ticks) == ("lif+iwta", 1)
    assert manifest.training["command"].startswith("snn-ros evolve blimp_control")
    assert weights.default_path(profile).with_suffix(".md").is_file()
