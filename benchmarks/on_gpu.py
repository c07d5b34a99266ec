"""Run what needs a CUDA device: the tests in test/gpu, then the benchmarks of the GPU.

Needs the working tree and torch for CUDA alone, no ROS. The figures go to docs/results/gpu.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "docs" / "results" / "gpu.json"
FIGURES = ROOT / "build" / "bench" / "sparse_gpu.json"
LIMIT = 520.0  # s for both, below nine minutes
TESTS = (
    "pytest", "-q", "-o", "pythonpath=test .", "--confcutdir=test/gpu", "-p", "no:cacheprovider",
    "test/gpu",
)  # fmt: skip
BENCHMARK = ("benchmarks.sparse_gpu", "--json", str(FIGURES))


def main() -> int:
    """Test, measure, write.

    Returns:
        0 if all passed; 1 if not, or without a CUDA device.
    """
    try:
        import torch
    except ImportError as err:
        print(f"make test-gpu: {err}", file=sys.stderr)
        return 1
    if not torch.cuda.is_available():
        print("make test-gpu: this machine has no CUDA device", file=sys.stderr)
        return 1
    began = time.monotonic()
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.unlink(missing_ok=True)
    passed = {module: _succeeds(module, options, began) for module, *options in (TESTS, BENCHMARK)}
    found = {
        "card": torch.cuda.get_device_name(),
        "commit": _commit(),
        "torch": torch.__version__,
        "passed": passed,
        "seconds": round(time.monotonic() - began, 1),
        "figures": json.loads(FIGURES.read_text()) if FIGURES.exists() else None,
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(f"passed: {passed}; figures in {RESULT.relative_to(ROOT)}")
    return 0 if all(passed.values()) else 1


def _succeeds(module: str, options: list[str], began: float) -> bool:
    environment = os.environ | {"TRITON_INTERPRET": "0"}
    left = LIMIT - (time.monotonic() - began)
    try:
        command = [sys.executable, "-m", module, *options]
        return not subprocess.run(command, cwd=ROOT, env=environment, timeout=left).returncode
    except subprocess.TimeoutExpired:
        print(f"{module}: not done after {LIMIT:.0f} s in all", file=sys.stderr)
        return False


def _commit() -> str:
    """Of the tree; a machine that has it without its history is told by COMMIT."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("COMMIT", "unknown")
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
