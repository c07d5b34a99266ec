"""pip's side of the package: the Python sources; CMakeLists.txt builds the messages and kernels.

CMake installs them into a staging folder. Everything there travels as data files, which pip
puts below the environment's prefix, where ROS looks for libraries and for the ament index. Only the
compiled part of our own Python package (snn_ros.msg, the kernels) goes beside the sources.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from distutils.command.install_data import install_data
from itertools import groupby
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build" / f"interfaces-{sysconfig.get_python_version()}"
STAGING = BUILD / "staging"
SHARED_FOLDERS = ("launch", "config", "weights")


def build_interfaces() -> None:
    """Generate and compile the messages into STAGING, with the ROS of this Python environment."""
    prefixes = os.pathsep.join([sys.prefix, *os.environ.get("AMENT_PREFIX_PATH", "").split(":")])
    environment = os.environ | {"CMAKE_PREFIX_PATH": prefixes, "AMENT_PREFIX_PATH": prefixes}
    shutil.rmtree(STAGING, ignore_errors=True)
    configure = [
        "cmake", "-S", ROOT, "-B", BUILD, "-DSNN_ROS_INTERFACES_ONLY=ON", "-DBUILD_TESTING=OFF",
        f"-DCMAKE_INSTALL_PREFIX={STAGING}", f"-DPython3_EXECUTABLE={sys.executable}",
    ]  # fmt: skip
    build = ["cmake", "--build", BUILD, "--target", "install", "--parallel"]
    for command in (configure, build):
        try:
            subprocess.run(command, check=True, env=environment)
        except (OSError, subprocess.CalledProcessError) as err:
            raise SystemExit(
                "snn_ros: building the ROS messages and the kernels failed (see above). It needs "
                "cmake, a C++ compiler and ROS 2 in this environment (extras [ros] and [build], or "
                "a sourced ROS install), and pip's --no-build-isolation so that they are seen."
            ) from err


def generated_package() -> Path:
    """The generated part of the Python package snn_ros in STAGING."""
    return next(STAGING.glob("lib/python*/*-packages/snn_ros"))


def files_by_folder(source: Path, target: Path) -> list[tuple[str, list[str]]]:
    """Entries for ``data_files`` that put the tree below source below prefix/target."""
    files = sorted(f for f in source.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return [
        (str(target / folder.relative_to(source)), [str(f) for f in members])
        for folder, members in groupby(files, key=lambda f: f.parent)
    ]


def replace_file(source: str, target: str) -> None:
    """Copy a file to a new one in the place of the old, which a running process may have loaded."""
    fresh = f"{target}.new"
    shutil.copy2(source, fresh)
    Path(fresh).replace(target)


class InstallData(install_data):
    """Adds libraries, message definitions, nodes and shared files to what goes below the prefix."""

    def run(self) -> None:
        python_part = generated_package().relative_to(STAGING)
        self.data_files = [
            (folder, files)
            for folder, files in files_by_folder(STAGING, Path())
            if not Path(folder).is_relative_to(python_part)
        ]
        self.data_files += files_by_folder(ROOT / "nodes", Path("lib/snn_ros"))
        for folder in SHARED_FOLDERS:
            self.data_files += files_by_folder(ROOT / folder, Path("share/snn_ros") / folder)
        super().run()


class BuildPython(build_py):
    """Also puts the generated part of the Python package (snn_ros.msg) beside the sources."""

    def run(self) -> None:
        super().run()
        build_interfaces()
        generated = generated_package()
        target = ROOT if self.editable_mode else Path(self.build_lib)
        shutil.copytree(
            generated,
            target / "snn_ros",
            ignore=lambda folder, names: {
                name
                for name in names
                if name.endswith(".c") or (name == "__init__.py" and folder == str(generated))
            },
            dirs_exist_ok=True,
            copy_function=replace_file,
        )


class InterfaceDistribution(Distribution):
    """A distribution with compiled code and with data files that exist only after the build."""

    def has_ext_modules(self) -> bool:
        return True

    def has_data_files(self) -> bool:
        return True

    has_data = has_data_files  # the name that editable_wheel asks for


setup(
    distclass=InterfaceDistribution,
    cmdclass={"install_data": InstallData, "build_py": BuildPython},
)
