"""Moments of the street scenarios, placed in their scenes: what cases about sensors look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snn_ros.geometry.rigid import Transform
from snn_ros.simulation.sensors.mounts import CameraMount
from snn_ros.simulation.street.drive import StreetDrive, StreetFrame
from snn_ros.simulation.street.ground_truth import ObjectLabels, object_labels
from snn_ros.simulation.street.scenario import StreetScenario, load_street_scenario
from snn_ros.simulation.street.scene import StreetScene
from snn_ros.simulation.street.simulation import base_pose

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"
NAMES = tuple(sorted(path.stem for path in SCENARIOS.glob("street_*.yaml")))


@dataclass(frozen=True)
class Moment:
    """Everybody in place at one time.

    Attributes:
        name: of the scenario.
        scene: with its kinematics up to date.
        frame: of the drive.
        base: (4, 4) ``T_world_base``.
        labels: in the world.
    """

    name: str
    scene: StreetScene
    frame: StreetFrame
    base: Transform
    labels: ObjectLabels


def scenario(name: str) -> StreetScenario:
    return load_street_scenario(SCENARIOS / f"{name}.yaml")


def moments(
    name: str, *, count: int, apart: float = 2.0, cameras: Sequence[CameraMount] = ()
) -> Iterator[Moment]:
    """The first moments of a scenario.

    Args:
        name: of the scenario.
        count: how many moments.
        apart: time between them in s; the first one is that long after the start.
        cameras: of the scene.
    """
    drive = StreetDrive(scenario(name))
    chosen = drive.scenario
    scene = StreetScene(
        drive.layout, drive.specs, chosen.appearance, chosen.seed, ego_cameras=cameras
    )
    for _ in range(count):
        for _ in range(round(apart / chosen.period)):
            drive.advance()
        ego, actors = drive.frame.ego, drive.frame.actors
        scene.place(actors, ego.actor_state, drive.time)
        labels = object_labels(drive.specs, actors, scene.ground_height)
        yield Moment(name, scene, drive.frame, base_pose(ego), labels)
