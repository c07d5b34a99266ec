"""Weight files: tensors in safetensors, everything else in a JSON manifest of the same name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from snn_ros.weight_files import WeightsError, read_manifest, read_unchanged, shipped_file

SCHEMA = 1
SYSTEM = "lidar_detection"
SUFFIX = ".safetensors"
_HOW_TO_GET = {
    "edge": "snn-ros train lidar_detection trains a network",
    "paper": "snn-ros import-weights lidar_detection FILE makes some of a published checkpoint",
}
PROFILES = tuple(_HOW_TO_GET)


@dataclass(frozen=True)
class Manifest:
    """What belongs to the tensors.

    Attributes:
        profile: ``edge`` or ``paper``.
        network: which one of the profile.
        sha256: of the safetensors file; written by `save`.
        system: always ``lidar_detection``.
        schema: version of this format.
        config: the network's shape, where it is not fixed by its name.
        source: of imported weights: file, its sha256, the layout it had.
        training: command, seed and settings of the run that made the weights.
        scores: figures on data that was kept aside.
        licence: of the weights.
    """

    profile: str
    network: str
    sha256: str = ""
    system: str = SYSTEM
    schema: int = SCHEMA
    config: dict[str, Any] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = "Apache-2.0"


def default_path(profile: str) -> Path:
    """The weights that come with the package.

    Raises:
        WeightsError: none come with it; the text says how to get some.
    """
    path = shipped_file(f"{SYSTEM}_{profile}{SUFFIX}")
    if not path.is_file():
        raise WeightsError(
            f"weights = None: none are shipped for {profile}; {_HOW_TO_GET[profile]}"
        )
    return path


def save(path: Path, state: Mapping[str, Tensor], manifest: Manifest) -> None:
    """Write tensors and their manifest; the manifest goes beside them, with the suffix ``.json``.

    Raises:
        WeightsError: if the files cannot be written, or the name has another suffix.
    """
    if path.suffix != SUFFIX:
        raise WeightsError(f"{path}: must end in {SUFFIX}")
    data = save_tensors({name: tensor.cpu().contiguous() for name, tensor in state.items()})
    content = asdict(manifest) | {"sha256": hashlib.sha256(data).hexdigest()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
    except OSError as err:
        raise WeightsError(f"{path}: cannot be written: {err.strerror}") from err


def load(path: Path, profile: str | None = None) -> tuple[dict[str, Tensor], Manifest]:
    """Read tensors and check that their manifest belongs to them.

    Args:
        path: of the safetensors file.
        profile: the profile they must be of; None takes any.

    Raises:
        WeightsError: naming what does not fit.
    """
    manifest = read_manifest(path.with_suffix(".json"), Manifest, SYSTEM)
    problems = _problems(manifest, profile)
    if problems:
        raise WeightsError(f"{path.with_suffix('.json')}: " + "; ".join(problems))
    data = read_unchanged(path, manifest.sha256)
    try:
        return load_tensors(data), manifest
    except SafetensorError as err:
        raise WeightsError(f"{path}: not a safetensors file: {err}") from err


def _problems(manifest: Manifest, profile: str | None) -> list[str]:
    problems = [
        f"{name} is {getattr(manifest, name)!r}, not {value!r}"
        for name, value in (("schema", SCHEMA), ("system", SYSTEM))
        if getattr(manifest, name) != value
    ]
    if manifest.profile not in PROFILES:
        problems.append(f"profile is {manifest.profile!r}, not one of {', '.join(PROFILES)}")
    elif profile is not None and manifest.profile != profile:
        problems.append(f"profile is {manifest.profile!r}, not {profile!r}")
    return problems
