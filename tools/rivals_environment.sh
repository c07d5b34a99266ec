#!/usr/bin/env bash
# Usage: tools/rivals_environment.sh VENV PYTHON
# Makes an environment with the libraries that benchmarks compare with: spconv's CPU build.
#
# It is apart from the project's own, that of PYTHON, as it brings requirements of its own; torch and
# NumPy are those of the project, so that both sides of a comparison use the same.
set -euo pipefail
rivals=$1
python=$2
packages() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
"$python" -c 'import sys; sys.exit(sys.version_info[:2] > (3, 11))' || {
  echo "spconv's CPU build is for Python up to 3.11" >&2
  exit 1
}
"$python" -m venv --clear "$rivals"
packages "$python" >"$(packages "$rivals/bin/python")/project.pth"
"$rivals/bin/python" -m pip install -q --disable-pip-version-check spconv==2.3.8
"$rivals/bin/python" -c 'import spconv.pytorch'
