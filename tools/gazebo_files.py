"""Write what Gazebo needs from our scenarios and tables, or check that it is up to date.

Example: ``python tools/gazebo_files.py`` writes, ``--check`` exits 1 if a file is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from snn_ros.simulation.gazebo.bridge import BLIMP_ROOM, STREET, bridge_file
from snn_ros.simulation.gazebo.export import gazebo_world
from snn_ros.simulation.gazebo.frames import blimp_frames, frames_launch_file, street_frames
from snn_ros.simulation.open_scenario import open_scenario
from snn_ros.simulation.vehicles.blimp_parameters import BlimpParameters

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS, WORLDS, LAUNCH = ROOT / "config/scenarios", ROOT / "config/gazebo", ROOT / "launch"
SHIPPED = {
    "street_quick": "street_quick",
    "street_urban_day": "street_urban_day",
    "street_crossing_left": "street_crossing_left",
    "street_parking_lot": "street_parking_lot",
    "street_highway_free": "street_highway_free",
    "blimp_room": "blimp_four_setpoints",
}
"""Scenario of each world."""


def files() -> dict[Path, str]:
    """The text of every file as it should be today."""
    frames = {"street": street_frames(), "blimp": blimp_frames(BlimpParameters())}
    return {
        **{
            WORLDS / f"{world}.sdf": gazebo_world(open_scenario(scenario, SCENARIOS), world)
            for world, scenario in SHIPPED.items()
        },
        WORLDS / "bridge_street.yaml": bridge_file(STREET),
        WORLDS / "bridge_blimp.yaml": bridge_file(BLIMP_ROOM),
        **{
            LAUNCH / f"gazebo_{robot}_frames.launch.xml": frames_launch_file(poses)
            for robot, poses in frames.items()
        },
    }


def main(arguments: list[str]) -> int:
    """Write or check all files."""
    stale = {
        file: text
        for file, text in files().items()
        if not file.is_file() or file.read_text() != text
    }
    if "--check" in arguments:
        for file in stale:
            sys.stderr.write(f"{file}: out of date; run {__file__}\n")
        return bool(stale)
    WORLDS.mkdir(exist_ok=True)
    for file, text in stale.items():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
