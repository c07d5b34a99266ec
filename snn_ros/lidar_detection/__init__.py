"""Detection of road users in LiDAR scans with spiking sparse networks."""

from snn_ros.lidar_detection.pipeline import DetectionResult, DetectorConfig, LidarDetector

__all__ = ["DetectionResult", "DetectorConfig", "LidarDetector"]
