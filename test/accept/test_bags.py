"""Criterion 10: real recordings over DDS, at once and at ten times the speed, and as MCAP."""

from pathlib import Path

import pytest
from support.bags import assert_converts_without_loss
from support.replay import assert_everything_arrives

RECORDINGS = (
    "husky_imu_odom_gps.bag",
    "jackal_scan_mocap_rosbag2",
    "nav2_turtlebot.mcap",
    "tf_rosbag2",
)


@pytest.fixture(params=RECORDINGS)
def recording(request, data_dir: Path) -> Path:
    return data_dir / "rosbags" / request.param


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_replay(probe, recording, rate, figures):
    measured = assert_everything_arrives(probe, recording, rate)
    figures.update(measured | {"bag": recording.name})


def test_conversion(recording, tmp_path, figures):
    figures.update(assert_converts_without_loss(recording, tmp_path / "out"))
