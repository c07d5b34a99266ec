"""A drive as a file: place, ego, traffic, events, looks and sensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn_ros.configuration import ConfigurationError, from_mapping, setting
from snn_ros.simulation.scenario_files import read_scenario
from snn_ros.simulation.sensors.camera import CameraConfig
from snn_ros.simulation.sensors.imu import ImuParameters
from snn_ros.simulation.sensors.lidar_config import LIDARS
from snn_ros.simulation.sensors.odometry import OdometryParameters, WheelParameters
from snn_ros.simulation.street.appearance import Appearance
from snn_ros.simulation.street.ego import EgoParameters
from snn_ros.simulation.street.layout import TURNS
from snn_ros.simulation.street.layouts import LayoutParameters

VEHICLE_KINDS = ("sedan", "van", "truck", "cyclist")
EVENT_KINDS = ("cut_in", "stop", "crossing_pedestrian", "blocked_lane", "oncoming")
CAMERAS = ("none", "stereo", "surround", "all")
TRUTH_IMAGES = ("depth", "semantic", "disparity")


@dataclass(frozen=True)
class EgoStart:
    """Where the ego starts and where it wants to go."""

    lane: int | None = setting(None, "identifier; the first that enters the place if absent")
    position: float = setting(20.0, "along the lane", unit="m", minimum=0.0)
    speed: float = setting(8.0, "at the start", unit="m/s", minimum=0.0, maximum=50.0)
    desired_speed: float | None = setting(
        None, "on a free road; the speed limit if absent", unit="m/s", minimum=0.5, maximum=50.0
    )
    route: tuple[str, ...] = setting((), "turns at the crossings to come, forward after the last")
    lateral_offset: float = setting(
        0.0, "of the route to the left of the lane's middle", unit="m", minimum=-1.5, maximum=1.5
    )
    vehicle: EgoParameters = setting(EgoParameters, "what drives")


@dataclass(frozen=True)
class Density:
    """How many others there are, placed by the seed."""

    vehicles: int = setting(0, "that drive", minimum=0, maximum=80)
    vans: float = setting(0.15, "share of the vehicles", minimum=0.0, maximum=1.0)
    trucks: float = setting(0.05, "share of the vehicles", minimum=0.0, maximum=1.0)
    cyclists: int = setting(0, "that ride", minimum=0, maximum=30)
    pedestrians: int = setting(0, "that walk beside the road", minimum=0, maximum=60)
    crossing: int = setting(0, "pedestrians that cross at crosswalks", minimum=0, maximum=20)
    parked: float = setting(0.0, "share of the parking spots", minimum=0.0, maximum=1.0)
    parked_at_most: int = setting(60, "cars along the ego's way", minimum=0, maximum=200)


@dataclass(frozen=True)
class PlacedActor:
    """One vehicle at a chosen place."""

    lane: int = setting(dataclasses.MISSING, "identifier of its lane", minimum=0)
    position: float = setting(dataclasses.MISSING, "along the lane", unit="m", minimum=0.0)
    kind: str = setting("sedan", "what it is", choices=VEHICLE_KINDS)
    speed: float = setting(0.0, "at the start", unit="m/s", minimum=0.0, maximum=50.0)
    desired_speed: float | None = setting(
        None, "on a free road; the speed limit if absent", unit="m/s", minimum=0.0, maximum=50.0
    )
    name: str = setting("", "for messages")


@dataclass(frozen=True)
class Event:
    """Something that happens to the ego.

    ``cut_in``: a vehicle on the lane at ``side`` keeps ``distance`` ahead of the ego, and changes
    into its lane at ``time``; it then drives at ``speed``. ``stop``: a vehicle that far ahead in
    the ego's lane brakes at ``time`` and stands for ``duration``. ``crossing_pedestrian``: one who
    stands beside the road steps out from ``side`` at ``time`` and crosses at ``speed``.
    ``blocked_lane``: a vehicle stands in the ego's lane. ``oncoming``: a vehicle comes towards the
    ego at ``speed``, ``encroaching`` into its lane.
    """

    kind: str = setting(dataclasses.MISSING, "what happens", choices=EVENT_KINDS)
    distance: float = setting(
        20.0,
        "along the road from the ego's start, centre to centre",
        unit="m",
        minimum=2.0,
        maximum=2000.0,
    )
    time: float = setting(0.0, "when it begins", unit="s", minimum=0.0)
    side: str = setting("right", "where from", choices=("left", "right"))
    speed: float | None = setting(None, "see above", unit="m/s", minimum=0.1, maximum=50.0)
    deceleration: float = setting(4.0, "of a stop", unit="m/s²", minimum=0.5, maximum=8.0)
    duration: float = setting(5.0, "how long a stop lasts", unit="s", minimum=0.0)
    encroaching: float = setting(
        0.0,
        "of oncoming vehicles, from the middle of their lane",
        unit="m",
        minimum=0.0,
        maximum=3.0,
    )
    vehicle: str = setting("sedan", "who it is", choices=VEHICLE_KINDS)


@dataclass(frozen=True)
class SensorChoice:
    """What the ego carries, and the flaws of it."""

    lidar: str = setting("hdl_64e", "on the roof", choices=("none", *LIDARS))
    lidar_columns: int | None = setting(
        None, "firings in a sweep; those of the kind if absent", minimum=16, maximum=8192
    )
    lidar_height: float | None = setting(
        None, "above the road; as on its usual car if absent", unit="m", minimum=0.3, maximum=4.0
    )
    motion_distortion: bool = setting(True, "the LiDAR moves while it sweeps")
    cameras: str = setting("none", "stereo pair of KITTI, six of nuScenes", choices=CAMERAS)
    stereo_width: int = setting(640, "of a stereo image", unit="px", minimum=64, maximum=4096)
    surround_width: int = setting(480, "of a surround image", unit="px", minimum=64, maximum=4096)
    camera: CameraConfig = setting(CameraConfig, "flaws of the cameras")
    odometry: OdometryParameters = setting(OdometryParameters, "flaws of dead reckoning")
    wheels: WheelParameters = setting(WheelParameters, "wheels and their encoders")
    imu: ImuParameters = setting(ImuParameters, "flaws of the IMU")
    truth_images: tuple[str, ...] = setting(
        (), "true images of the cameras that are made besides", choices=TRUTH_IMAGES
    )


@dataclass(frozen=True)
class StreetScenario:
    """One drive. Times count from its beginning."""

    duration: float = setting(
        dataclasses.MISSING, "length of the drive", unit="s", minimum=0.5, maximum=3600.0
    )
    description: str = setting("", "one line for people")
    seed: int = setting(1, "of traffic, noise and, if it has none, the place", minimum=0)
    period: float = setting(
        0.1, "between steps and between sensor readings", unit="s", minimum=0.01, maximum=0.1
    )
    layout: LayoutParameters = setting(LayoutParameters, "where")
    ego: EgoStart = setting(EgoStart, "who drives through")
    traffic: Density = setting(Density, "who else is there")
    actors: tuple[PlacedActor, ...] = ()
    events: tuple[Event, ...] = ()
    appearance: Appearance = setting(Appearance, "light and season")
    sensors: SensorChoice = setting(SensorChoice, "what is measured")
    place_spacing: float = setting(
        10.0, "length of a place along the route", unit="m", minimum=0.5, maximum=1000.0
    )

    def problems(self) -> Iterator[str]:
        """What does not fit together, as ``name = value: reason``."""
        for turn in self.ego.route:
            if turn not in TURNS:
                yield f"ego.route = {self.ego.route!r}: must be of {', '.join(TURNS)}"
        shares = self.traffic.vans + self.traffic.trucks
        if shares > 1.0:
            yield f"traffic.vans + traffic.trucks = {shares!r}: must be at most 1"
        yield from self._sensor_problems()
        for i, event in enumerate(self.events):
            if event.time >= self.duration:
                yield f"events[{i}].time = {event.time!r}: the drive ends at {self.duration} s"

    def _sensor_problems(self) -> Iterator[str]:
        if self.sensors.lidar != "none":
            periods = 1.0 / (LIDARS[self.sensors.lidar].rate * self.period)
            if periods < 0.99 or abs(periods - round(periods)) > 0.01:
                yield (
                    f"period = {self.period!r}: a sweep of {self.sensors.lidar} takes "
                    f"{periods:.3g} periods, must be a whole number"
                )
        truth = self.sensors.truth_images
        if truth and self.sensors.cameras == "none":
            yield f"sensors.truth_images = {truth!r}: there are no cameras"
        if "disparity" in truth and self.sensors.cameras == "surround":
            yield f"sensors.truth_images = {truth!r}: disparity needs the stereo pair"


def street_scenario(values: Any, where: str) -> StreetScenario:
    """A scenario from plain data.

    Args:
        values: nested mappings and lists; keys as the fields of ``StreetScenario``.
        where: the file, for messages.

    Raises:
        ConfigurationError: lists every unknown key, missing key and wrong value.
    """
    scenario = from_mapping(StreetScenario, values, where)
    problems = list(scenario.problems())
    if problems:
        raise ConfigurationError(where, problems)
    return scenario


def load_street_scenario(path: Path | str) -> StreetScenario:
    """Read a scenario file.

    Args:
        path: a YAML file; what is absent takes its default.

    Raises:
        ScenarioError: the file is absent or not YAML.
        ConfigurationError: lists every unknown key, missing key and wrong value.
    """
    return street_scenario(read_scenario(path), str(path))
