"""Detection of road users in LiDAR scans with spiking sparse networks."""

from snn_ros.lidar_detection.detections import DetectionResult, Detections
from snn_ros.lidar_detection.detector_config import DetectorConfig
from snn_ros.lidar_detection.pipeline import LidarDetector

__all__ = ["DetectionResult", "Detections", "DetectorConfig", "LidarDetector"]
