"""No case of the authors' vectors is without a test."""

import re
from pathlib import Path

from support.place_vectors import folder

TESTED = {
    "preprocess": "preprocessing",
    "metrics": "metrics",
    "seqmatch": "sequence",
    "assignment": "assignment",
    "modular_ensemble": "assignment",
    "equations": "dc_network",
    "network_trace": "dc_network",
    "snn_module": "dc_statistics",
    "snn_small": "dc_statistics",
    "tempo_update": "tempo",
    "tempo_net14_nordland": "tempo",
    "tempo_net28_nordland": "tempo",
    "tempo_net28_gardens_point": "tempo",
}


def test_every_case_has_a_test(parity_dir):
    here = Path(__file__).parent
    for path in folder(parity_dir).iterdir():
        if path.suffix not in (".npz", ".safetensors"):
            continue
        case = re.sub(r"_[A-Z]$", "", path.stem.removesuffix("_weights"))
        assert case in TESTED, f"{path.name}: no test"
        assert case in (here / f"test_place_{TESTED[case]}.py").read_text(), path.name
