#!/usr/bin/env bash
# Prints constraints that hold for every supported Python; needs uv.
set -euo pipefail
echo "# Versions that were tried together, for every supported Python. Made by \`make lock\`."
# torch's CUDA libraries are left to torch; Windows has no ROS here. Triton is the version that torch
# asks for where it comes with CUDA.
uv pip compile requirements/{base,ros,build,dev}.txt --universal --python-version 3.10 --quiet \
  --no-header --no-annotate --no-emit-index-url | grep -v -E '^(nvidia-|cuda-)|win32'
