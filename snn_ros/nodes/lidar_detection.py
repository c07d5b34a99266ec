"""LiDAR detection as a node: clouds in, boxes of cars, pedestrians and cyclists out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from snn_ros import machine
from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.geometry.rigid import Transform
from snn_ros.lidar_detection import DetectionResult, DetectorConfig, LidarDetector
from snn_ros.lidar_detection.edge_decoding import DecodingConfig
from snn_ros.lidar_detection.preparation import (
    PreparationConfig,
    PreparedScan,
    ScanPreparation,
    refuse_upside_down,
)
from snn_ros.lidar_detection.scans import CLASSES
from snn_ros.lidar_detection.weights import PROFILES
from snn_ros.msg import SpikeActivity
from snn_ros.ros.conversions.detections import Detections, write_detections, write_markers
from snn_ros.ros.conversions.point_clouds import PointCloud, read_points
from snn_ros.ros.conversions.spike_activity import write_spike_activity
from snn_ros.ros.conversions.stamps import from_seconds, read_header
from snn_ros.ros.conversions.validation import BadEncoding
from snn_ros.ros.frame_listener import FrameListener
from snn_ros.ros.frames import FrameError
from snn_ros.ros.health import ERROR, WARN
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode

_POSITION = ("x", "y", "z")
_TRANSFORM_POLL = 0.005  # s


class StaleCloud(SnnRosError):
    """A cloud whose stamp is too far from the clock."""


@dataclass(frozen=True)
class LidarDetectionParameters(NodeParameters):
    """Parameters of the detector."""

    profile: str = setting("edge", "which network", choices=PROFILES, read_only=True)
    weights: str = setting("", "another weights file; empty: the profile's own", read_only=True)
    slow_ms: float = setting(
        150.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )
    threads: int = setting(2, "of the network on the CPU", minimum=1, maximum=64, read_only=True)
    sensor_height: float = setting(
        1.73, "of the LiDAR above the road, where there is no target_frame", unit="m",
        minimum=0.0, maximum=10.0, read_only=True,
    )  # fmt: skip
    target_frame: str = setting(
        "", "upright frame, by TF, of the boxes; empty: that of the cloud, and no TF is needed",
        read_only=True,
    )  # fmt: skip
    target_height: float = setting(
        0.0, "of the target_frame above the road", unit="m", minimum=0.0, maximum=10.0,
        read_only=True,
    )  # fmt: skip
    transform_timeout: float = setting(
        0.1, "how long a cloud waits for its transform", unit="s", minimum=0.0, maximum=0.9
    )
    max_age: float = setting(
        0.0, "of a cloud when its turn comes, by its stamp; older ones are dropped; 0: any",
        unit="ms", minimum=0.0,
    )  # fmt: skip
    max_voxels: int = setting(
        80_000, "that are looked at; those farthest away are left out", minimum=1000
    )
    intensity_field: str = setting("intensity", "name of the brightness in clouds; empty: none")
    scan: PreparationConfig = setting(PreparationConfig, "what becomes of a cloud first")
    decoding: DecodingConfig = setting(DecodingConfig, "which boxes are kept")
    activity_period: float = setting(
        5.0, "between two scans whose spikes are counted, which takes longer; 0: never", unit="s",
        minimum=0.0,
    )  # fmt: skip
    marker_lifetime: float = setting(
        0.5, "until boxes vanish from RViz when no more come", unit="s", minimum=0.0, maximum=60.0
    )


@dataclass(frozen=True, eq=False)
class _Placed:
    """A scan on its way to the detector: its axes are those of the frame that is published.

    Attributes:
        scan: z from the origin of that frame, x and y from the sensor, where the detector is best.
        origin: (3,) x, y, z of the sensor in that frame.
        frame_id: of that frame.
    """

    cloud: PointCloud
    scan: PreparedScan
    origin: NDArray[np.float64]
    frame_id: str


class LidarDetectionNode(SystemNode[LidarDetectionParameters]):
    """Feeds the detector with clouds, the newest one first, and publishes what it found."""

    parameters_type = LidarDetectionParameters
    _frames: FrameListener | None = None
    _metered_at: float | None = None

    def configure(self, parameters: LidarDetectionParameters) -> None:
        """Load the network, run it once, and add topics."""
        self._settings = parameters
        self._height = (
            parameters.target_height if parameters.target_frame else parameters.sensor_height
        )
        torch.set_num_threads(parameters.threads)
        self._detector = LidarDetector.from_config(
            profile=parameters.profile,
            device=parameters.device,
            weights=Path(parameters.weights) if parameters.weights else None,
            config=DetectorConfig(
                sensor_height=self._height,
                decoding=parameters.decoding,
                max_voxels=parameters.max_voxels,
                threads=parameters.threads,
            ),
        )
        self._preparation = ScanPreparation(parameters.scan)
        self._warm_up()
        self._notes = {
            "profile": parameters.profile,
            "weights": parameters.weights or "of the package",
            "device": str(self._detector.device),
        }
        self.health.notes = self._notes
        if parameters.target_frame:
            self._frames = FrameListener(
                self, lambda err: self.report_fault(type(err).__name__, str(err))
            )
        self._detections = self.add_output("detections", Detection3DArray)
        self._markers = self.add_output("markers", MarkerArray)
        self._activity = self.add_output("spike_activity", SpikeActivity)
        self.add_trigger("points", PointCloud2, self.detect)

    def activate(self) -> None:
        """Begin to count anew."""
        self._metered_at = None
        self._spikes: dict[str, str] = {}
        self._cap_hits = 0

    def cleanup(self) -> None:
        """Listen to transforms no longer."""
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def clock_jumped_back(self, _seconds: float) -> None:
        """Count spikes again at once: nothing else remembers, as scans are seen one by one."""
        self._metered_at = None

    def detect(self, message: PointCloud2) -> None:
        """Answer one cloud.

        Raises:
            SnnRosError: it cannot be used; diagnostics show an ERROR until one can.
        """
        try:
            placed, result = self._answer(message)
        except SnnRosError as err:
            self.health.alarm = (ERROR, f"the newest cloud was refused: {err}")
            raise
        self._report(placed, result)

    def _warm_up(self) -> None:
        """Let the first cloud find memory and kernels ready, and a broken device be found now."""
        around = np.linspace(-10.0, 10.0, 64, dtype=np.float32)
        x, y = (axis.ravel() for axis in np.meshgrid(around, around))
        road = np.stack([x, y, np.full_like(x, -self._height), np.zeros_like(x)], axis=1)
        self._detector.detect(road)
        self.get_logger().info(
            f"{self._settings.profile} on {self._detector.device}, "
            f"{self._settings.threads} threads, {machine.describe()}"
        )

    def _answer(self, message: PointCloud2) -> tuple[_Placed, DetectionResult]:
        stamp = message.header.stamp
        with self.stage("conversion", stamp):
            placed = self._place(self._read(message))
        points = placed.scan.points
        result = self._detector.detect(points, meter=len(points) > 0 and self._meters_now())
        for name, milliseconds in result.stage_ms.items():
            self.stage_took(name, stamp, milliseconds)
        with self.stage("publishing", stamp):
            self._publish(placed, result)
        if result.activity is not None:
            self._activity.publish(write_spike_activity(result.activity, stamp))
            self._spikes = {
                "firing_rate": f"{result.activity.firing_rate:.4f}",
                "synaptic_operations": str(result.activity.synaptic_operations),
                "energy_mj_model": f"{result.activity.energy_mj:.4f}",
            }
        return placed, result

    def _read(self, message: PointCloud2) -> PointCloud:
        settings = self._settings
        stamp_ns, _ = read_header(message.header)
        age = (self.get_clock().now().nanoseconds - stamp_ns) * 1e-6
        if settings.max_age and abs(age) > settings.max_age:
            raise StaleCloud(
                f"header.stamp: {age:.0f} ms before the clock, max_age is {settings.max_age:g} ms"
            )
        if message.is_bigendian:
            raise BadEncoding("is_bigendian", True, "expected little-endian data")
        optional = (settings.intensity_field,) if settings.intensity_field else ()
        return read_points(message, _POSITION, optional)

    def _place(self, cloud: PointCloud) -> _Placed:
        """Turn a cloud upright, and into what the detector takes."""
        settings = self._settings
        positions, origin, frame_id = cloud.points[:, :3], np.zeros(3), cloud.frame_id
        if self._frames is not None:
            frame_id = settings.target_frame
            transform = self._transform(self._frames, cloud)
            positions, origin = positions @ transform[:3, :3].T.astype(np.float32), transform[:3, 3]
        refuse_upside_down(positions, self._height + float(origin[2]))
        field = settings.intensity_field
        scan = self._preparation.prepare(
            positions,
            cloud.points[:, 3] if field in cloud.fields else None,
            whole=field in cloud.whole,
        )
        scan.points[:, 2] += np.float32(origin[2])
        return _Placed(cloud, scan, origin, frame_id)

    def _transform(self, frames: FrameListener, cloud: PointCloud) -> Transform:
        """From the cloud's frame to the target; waits, as transforms may come after their cloud."""
        end = time.monotonic() + self._settings.transform_timeout
        while True:
            try:
                return frames.tree.lookup(
                    self._settings.target_frame, cloud.frame_id, cloud.stamp_ns
                )
            except FrameError:
                if time.monotonic() >= end:
                    raise
            time.sleep(_TRANSFORM_POLL)

    def _meters_now(self) -> bool:
        """Whether it is time to count spikes again."""
        period, now = self._settings.activity_period, self.control_time()
        if not (period and self._detector.is_spiking):
            return False
        if self._metered_at is not None and now - self._metered_at < period:
            return False
        self._metered_at = now
        return True

    def _publish(self, placed: _Placed, result: DetectionResult) -> None:
        found = result.detections
        boxes = found.boxes.copy()
        boxes[:, :2] += placed.origin[:2]
        detections = Detections(boxes, found.scores, [CLASSES[label] for label in found.labels])
        stamp_ns, frame_id = placed.cloud.stamp_ns, placed.frame_id
        self._detections.publish(write_detections(detections, stamp_ns, frame_id))
        if self._markers.get_subscription_count():
            lifetime_ns = from_seconds(self._settings.marker_lifetime)
            self._markers.publish(write_markers(detections, stamp_ns, frame_id, lifetime_ns))

    def _report(self, placed: _Placed, result: DetectionResult) -> None:
        """Show in diagnostics what became of the cloud."""
        cloud, dropped = placed.cloud, result.dropped
        capped = bool(result.voxels_left_out or dropped.over_voxel_cap)
        self._cap_hits += capped
        notes = {
            "boxes": len(result.detections.boxes),
            "voxels": result.voxels,
            "voxels_left_out": result.voxels_left_out,
            "cap_hits": self._cap_hits,
            "points": len(cloud.points) + cloud.non_finite,
            "points_not_finite": cloud.non_finite + dropped.not_finite,
            "points_out_of_view": placed.scan.out_of_view,
            "points_out_of_reach": dropped.out_of_range,
            "points_over_cap": dropped.over_point_cap + dropped.over_voxel_cap,
            "intensity": f"full at {self._preparation.intensity_scale:g}"
            if self._settings.intensity_field in cloud.fields
            else "none, the default is used",
        }
        shown = {key: str(value) for key, value in notes.items()}
        self.health.notes = self._notes | shown | self._spikes
        if len(cloud.points) and not result.voxels:
            self.health.alarm = (WARN, "no point of the cloud is where the detector looks")
        elif capped:
            left_out = f"{result.voxels_left_out} voxels, {dropped.over_voxel_cap} points"
            self.health.alarm = (WARN, f"too many voxels: left out {left_out}")
        else:
            self.health.alarm = None


def main() -> int:
    """Run the node."""
    return run(lambda: LidarDetectionNode("lidar_detection"))
