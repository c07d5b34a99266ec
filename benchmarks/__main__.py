"""Run every benchmark; each leaves build/bench/<name>.json.

Example: ``make bench``, or ``python -m benchmarks blimp_control dds``.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
OUTPUT = Path("build/bench")
NOT_BENCHMARKS = {
    "__main__", "lidar_backbones", "lidar_edge",  # of lidar_detection
    "on_gpu", "output", "published", "realism_report", "rivals", "scan_statistics",
    "sparse_gpu",  # of `make test-gpu`
    "spconv_rival", "street_worlds",
}  # fmt: skip


def main(names: list[str]) -> int:
    """Run benchmarks in processes of their own, one after the other.

    Returns:
        1 if one failed, else 0.
    """
    found = sorted({m.name for m in pkgutil.iter_modules([str(FOLDER)])} - NOT_BENCHMARKS)
    unknown = set(names) - set(found)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(found)}")
        return 2
    OUTPUT.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in names or found:
        print(f"== {name}", flush=True)
        command = [
            sys.executable,
            "-m",
            f"benchmarks.{name}",
            "--json",
            str(OUTPUT / f"{name}.json"),
        ]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
