"""Every shipped scenario, and random ones, as a Gazebo world that the real SDF parser takes."""

import shutil
import subprocess
from pathlib import Path

from snn_ros.simulation.gazebo.export import write_gazebo_world
from snn_ros.simulation.open_scenario import open_scenario

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"
RANDOM = 10


def test_every_scenario_is_a_valid_world(tmp_path, figures):
    parser = shutil.which("gz") or shutil.which("ign")
    assert parser, "install ignition-tools and libsdformat-dev"
    names = sorted(file.stem for file in SCENARIOS.glob("*.yaml"))
    names += [f"street-random:{seed}" for seed in range(RANDOM)]
    refused = {}
    for name in names:
        world = tmp_path / "world.sdf"
        write_gazebo_world(open_scenario(name, SCENARIOS), world)
        command = [parser, "sdf", "-k", str(world)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode or result.stdout.strip() != "Valid.":
            refused[name] = result.stderr
    figures.update({"worlds": len(names), "refused": sorted(refused)})
    assert refused == {}
