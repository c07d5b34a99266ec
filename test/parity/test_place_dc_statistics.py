"""Trained networks of the authors, and ours trained from scratch, agree in their statistics."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.place_vectors import cases, read

from snn_ros.metrics.retrieval import recall_at
from snn_ros.place_recognition.dc import DcConfig, DcModule, DcReader, learn_modules
from snn_ros.place_recognition.dc_network import FIRST_THETA

SEEDS = 3
MOST_SPIKES = 7  # of a cell in 350 ms with a dead time of 50 ms


@pytest.mark.parametrize("name", ["snn_module", "snn_small"])
def test_saved_weights_answer_alike(parity_dir, name):
    for path in cases(parity_dir, name):
        vectors = read(path)
        places, cells = len(vectors["query_u8"]), len(vectors["theta_mV"])
        module = DcModule(
            places=np.arange(places),
            weights=vectors["w"].astype(np.float16),
            delays=vectors["test_delay_step"],
            theta=vectors["theta_mV"],
            spikes=np.zeros((cells, places), dtype=np.int64),
            activity=np.zeros(cells, dtype=np.int64),
            member=0,
        )
        reader = DcReader([module], places, DcConfig(cells=cells))
        counts = np.stack([reader.counts(query)[0] for query in vectors["query_u8"]])
        expected = vectors["query_counts"].astype(int)
        assert counts.sum() == pytest.approx(expected.sum(), rel=0.15)
        assert np.corrcoef(counts.sum(axis=0), expected.sum(axis=0))[0, 1] >= 0.85
        assert counts.max() <= MOST_SPIKES


def test_teaching_from_scratch(parity_dir):
    """One seed of the authors against the mean of ours."""
    for path in cases(parity_dir, "snn_small"):
        vectors = read(path)
        places, cells = len(vectors["query_u8"]), len(vectors["theta_mV"])
        published = json.loads(str(vectors["config"]))
        rise = vectors["theta_mV"].mean() - FIRST_THETA
        recalls = {"standard": [], "weighted": []}
        for seed in range(SEEDS):
            config = DcConfig(cells=cells, places_per_module=places, epochs=20, seed=seed)
            [module] = learn_modules(vectors["reference_u8"], np.arange(places), config)
            assert module.theta.mean() - FIRST_THETA == pytest.approx(rise, rel=0.1)
            per_image = module.spikes.sum() / (places * config.counted_epochs)
            assert per_image == pytest.approx(published["spikes_per_image_train"], rel=0.25)
            for scheme, of_scheme in recalls.items():
                reader = DcReader([module], places, replace(config, scheme=scheme))
                scores = np.stack([reader.score(query) for query in vectors["query_u8"]], axis=1)
                of_scheme.append(recall_at(scores, np.eye(places, dtype=bool))[0])
        for scheme, of_scheme in recalls.items():
            expected = published[scheme]["tol0"]
            two_errors = 2 * np.sqrt(expected * (1 - expected) / places)
            assert np.mean(of_scheme) == pytest.approx(expected, abs=two_errors), scheme
