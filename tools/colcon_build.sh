#!/usr/bin/env bash
# Usage: tools/colcon_build.sh WORKSPACE
# Builds the package with colcon in a workspace of its own, on top of the ROS of this environment, and
# checks that what it installed runs.
set -euo pipefail
workspace=$1
source_folder=$PWD
prefix=$(python -c 'import sys; print(sys.prefix)')
export CMAKE_PREFIX_PATH=$prefix${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}
export AMENT_PREFIX_PATH=$prefix${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}
mkdir -p "$workspace"
cd "$workspace"
python -m colcon build --paths "$source_folder" --event-handlers console_direct- \
  --cmake-args -DPython3_EXECUTABLE="$(command -v python)" -DBUILD_TESTING=OFF
set +u
source install/setup.bash
python "$source_folder/tools/check_install.py" "$PWD/install"
