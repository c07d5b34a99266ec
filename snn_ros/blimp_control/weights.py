"""Weight files: arrays in safetensors, everything else in a JSON manifest of the same name.

Nothing is loaded that does not fit: another schema, tick rate, unit or profile, a changed file, a
wrong shape, NaN, or a value outside the bounds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snn_ros.blimp_control.parameters import NetworkError, NetworkParameters
from snn_ros.weight_files import WeightsError, read_manifest, read_unchanged, shipped_file

SCHEMA = 1
RATE_HZ = 10.0
UNITS = "u10"  # commands in ±10
SYSTEM = "blimp_control"
CELLS = {"edge": 120, "paper": 160}
_SCALARS = ("fast", "trace_limit", "integral_limit", "sub_ticks")  # in the manifest
_OPTIONAL = {"recurrent_weight"}
HEAD_CELLS = {"yaw": 64, "surge": 64}  # heads of the other axes, see heads.py
KNOWN_CELLS = CELLS | HEAD_CELLS


@dataclass(frozen=True)
class Manifest:
    """What belongs to the arrays.

    Attributes:
        profile: ``edge`` or ``paper``.
        fast: number of fast hidden cells.
        trace_limit: bound of the threshold traces in thresholds.
        integral_limit: bound of the I readout in u.
        sha256: of the safetensors file.
        rate_hz: tick rate of the controller.
        units: of the command.
        error_clip: bound of the error at the encoder in m.
        max_rate: error rate above which a change is a set-point kick, in m/s.
        iwta_mode: threshold rule the network was evolved with.
        variant: hidden layers of the PD and of the I half, as ``NetworkParameters.variant``; empty
            in manifests from before there was a choice.
        sub_ticks: ticks of the network, to which the decays belong, per tick of ``rate_hz``.
        system: always ``blimp_control``.
        schema: version of this format.
        training: command, seed and settings of the run that made the weights.
        scores: figures on the held-out domains.
        licence: of the weights.
    """

    profile: str
    fast: int
    trace_limit: float
    integral_limit: float
    sha256: str
    rate_hz: float = RATE_HZ
    units: str = UNITS
    error_clip: float = 1.5
    max_rate: float = 2.5
    iwta_mode: str = "paper"
    variant: str = ""
    sub_ticks: int = 1
    system: str = SYSTEM
    schema: int = SCHEMA
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    licence: str = "Apache-2.0"


def default_path(profile: str) -> Path:
    """The weights that come with the package."""
    return shipped_file(f"{SYSTEM}_{profile}.safetensors")


def save(
    path: Path,
    parameters: NetworkParameters,
    profile: str,
    training: dict[str, Any] | None = None,
    scores: dict[str, float] | None = None,
) -> None:
    """Write the weights and their manifest.

    Args:
        path: of the safetensors file; the manifest goes beside it with the suffix ``.json``.
        parameters: the network.
        profile: ``edge`` or ``paper``.
        training: for the manifest.
        scores: for the manifest.
    """
    data = save_tensors({k: np.ascontiguousarray(v) for k, v in parameters.arrays().items()})
    manifest = Manifest(
        profile,
        parameters.fast,
        parameters.trace_limit,
        parameters.integral_limit,
        hashlib.sha256(data).hexdigest(),
        variant=parameters.variant,
        sub_ticks=parameters.sub_ticks,
        training=training or {},
        scores=scores or {},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(vars(manifest), indent=2) + "\n")


def load(path: Path, profile: str | None = None) -> tuple[NetworkParameters, Manifest]:
    """Read and check weights.

    Args:
        path: of the safetensors file.
        profile: the profile they must be of; None takes any.

    Raises:
        WeightsError: the text names file, field and value.
    """
    manifest = read_manifest(path.with_suffix(".json"), Manifest, SYSTEM)
    problems = _problems(manifest, profile)
    if problems:
        raise WeightsError(f"{path.with_suffix('.json')}: " + "; ".join(problems))
    data = read_unchanged(path, manifest.sha256)
    parameters = _parameters(path, data, manifest)
    if parameters.cells != KNOWN_CELLS[manifest.profile]:
        raise WeightsError(
            f"{path}: {parameters.cells} spiking cells, profile {manifest.profile!r} has "
            f"{KNOWN_CELLS[manifest.profile]}"
        )
    if manifest.variant not in ("", parameters.variant):
        raise WeightsError(
            f"{path}: the arrays make {parameters.variant!r}, the manifest's variant is "
            f"{manifest.variant!r}"
        )
    return parameters, manifest


def _parameters(path: Path, data: bytes, manifest: Manifest) -> NetworkParameters:
    try:
        arrays = load_tensors(data)
    except SafetensorError as err:
        raise WeightsError(f"{path}: not a safetensors file: {err}") from err
    known = {f.name for f in fields(NetworkParameters)} - set(_SCALARS)
    missing, unknown = sorted(known - _OPTIONAL - set(arrays)), sorted(set(arrays) - known)
    if missing or unknown:
        raise WeightsError(f"{path}: missing arrays {missing}, unknown arrays {unknown}")
    for name, array in arrays.items():
        wanted = np.int64 if name == "source" else np.float64
        if array.dtype != wanted:
            raise WeightsError(f"{path}: {name} is {array.dtype}, not {np.dtype(wanted)}")
    try:
        return NetworkParameters(
            **arrays,
            **{name: getattr(manifest, name) for name in _SCALARS},
        )
    except NetworkError as err:
        raise WeightsError(f"{path}: {err}") from err


def _problems(manifest: Manifest, profile: str | None) -> list[str]:
    expected = {"schema": SCHEMA, "system": SYSTEM, "rate_hz": RATE_HZ, "units": UNITS}
    problems = [
        f"{name} is {getattr(manifest, name)!r}, not {value!r}"
        for name, value in expected.items()
        if getattr(manifest, name) != value
    ]
    if manifest.profile not in KNOWN_CELLS:
        known = sorted(KNOWN_CELLS)
        problems.append(f"profile is {manifest.profile!r}, not one of {known}")
    elif profile is not None and manifest.profile != profile:
        problems.append(f"profile is {manifest.profile!r}, not {profile!r}")
    for name in ("error_clip", "max_rate"):
        value = getattr(manifest, name)
        if not (isinstance(value, int | float) and 0.0 < value < np.inf):
            problems.append(f"{name} must be above 0, is {value!r}")
    return problems
