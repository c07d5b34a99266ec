#!/usr/bin/env bash
# Usage: tools/setup_environment.sh VENV
# Makes the virtual environment that `make` works in, and installs the Debian packages it needs.
#
# PYTHON           the interpreter to use (default python3; 3.10 to 3.13)
# TORCH_INDEX_URL  a package index for torch alone, for example one with CPU builds; every other
#                  package comes from the index that pip is configured for
set -euo pipefail
venv=$1
python=${PYTHON:-python3}
started=$SECONDS

# package: how to tell that it is there
missing=()
have_library() { ldconfig -p | grep -q "$1"; }
install_packages() { DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null; }
command -v cmake >/dev/null || missing+=(cmake)
command -v c++ >/dev/null || missing+=(g++)
command -v "$python" >/dev/null || missing+=(python3 python3-dev python3-venv)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
"$python" -c 'import pathlib, sysconfig
assert (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists()' 2>/dev/null || missing+=(python3-dev)
have_library libGL.so.1 || missing+=(libgl1)               # opencv-python
have_library libglib-2.0.so.0 || missing+=(libglib2.0-0)   # opencv-python
have_library libEGL.so.1 || missing+=(libegl1)             # MuJoCo's renderer
dpkg -s libgl1-mesa-dri >/dev/null 2>&1 || missing+=(libgl1-mesa-dri)  # its software driver
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 ]]; then
    echo "snn_ros needs Debian packages that are missing. Run this once, then make again:" >&2
    echo "  sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing Debian packages: ${missing[*]}"
  apt-get -qq update
  install_packages "${missing[@]}"
fi
# The second renderer, which tests compare with the first: they skip where there is none.
if [[ $(id -u) == 0 ]] && ! have_library libOSMesa.so.8; then
  install_packages libosmesa6 || echo "no package libosmesa6: pictures of two renderers are not compared"
fi

# The SDF parser checks the worlds in config/gazebo; in Debian 12 it is 7 MB to fetch.
parser=(ignition-tools libsdformat-dev)
if ! command -v ign >/dev/null && ! command -v gz >/dev/null; then
  if [[ $(id -u) != 0 ]]; then
    echo "tests will skip the SDF parser; to have it: sudo apt-get install ${parser[*]}"
  elif ! { apt-get -qq update && install_packages "${parser[@]}"; }; then
    echo "no SDF parser: cannot install ${parser[*]}" >&2
  fi
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
  3.10 | 3.11 | 3.12 | 3.13) ;;
  *)
    echo "snn_ros needs Python 3.10 to 3.13, and $python is $version: set PYTHON" >&2
    exit 1
    ;;
esac

[[ -x $venv/bin/pip ]] || "$python" -m venv "$venv"
pip=("$venv/bin/pip" install -q --disable-pip-version-check -c requirements/constraints.txt)
echo "installing Python packages into $venv (a few minutes the first time)"
if [[ -n ${TORCH_INDEX_URL:-} ]]; then
  "${pip[@]}" --index-url "$TORCH_INDEX_URL" torch
else
  "${pip[@]}" torch
fi
"${pip[@]}" -r requirements/base.txt -r requirements/ros.txt -r requirements/build.txt -r requirements/dev.txt
echo "environment ready after $((SECONDS - started)) s"
