"""Streaming sequence matching at slope 1 against the authors' convolution."""

import numpy as np
from support.place_vectors import below, cases, read, sets

from snn_ros.metrics.retrieval import recall_at
from snn_ros.place_recognition.sequence import SequenceConfig, SequenceMatcher

BEST = (1, 5, 10, 15, 20, 25)


def test_sequences(parity_dir):
    for path in cases(parity_dir, "seqmatch"):
        vectors = read(path)
        for name in sets(vectors):
            distance = vectors[f"{name}/D"]
            for length in map(int, vectors["lengths"]):
                expected = below(vectors, f"{name}/L{length}")
                config = SequenceConfig(length, slopes=(1.0,), normalised=False, tie=0.0)
                matcher = SequenceMatcher(config)
                # an entry of the convolution stands for the first column and place of a stretch
                matched = np.stack(
                    [
                        matcher.step(-column, float(travelled)).scores[length - 1 :]
                        for travelled, column in enumerate(distance.T)
                    ][length - 1 :],
                    axis=1,
                )
                summed = -matched * length
                np.testing.assert_allclose(summed, expected["D"], rtol=1e-5, atol=1e-4)
                np.testing.assert_array_equal(summed.argmin(axis=0), expected["match"], name)
                side = min(summed.shape)
                recall = recall_at(matched[:side, :side], np.eye(side, dtype=bool), BEST)
                np.testing.assert_allclose(
                    recall, expected["recall_at_1_5_10_15_20_25"], atol=1e-12, err_msg=name
                )
