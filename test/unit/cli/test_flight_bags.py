import json

import numpy as np
import pytest

from snn_ros.bags import BagWriter
from snn_ros.cli import main
from snn_ros.cli.bag_topics import WrongTopics
from snn_ros.cli.flight_bags import read_flight_bag


@pytest.fixture
def log(tmp_path):
    """A flight as a csv: z points down."""
    path = tmp_path / "log.csv"
    time = np.arange(0.025, 40.0, 0.025)
    z = -1.0 - 0.2 * np.sin(0.3 * time)
    header = "time,x,y,z,phi,theta,psi,vx,vy,vz,wx,wy,wz,fx,fy,fz,tauz,x_ref,y_ref,z_ref,psi_ref"
    zeros = "0," * 13
    rows = [f"{t:.3f},0,0,{a:.6f},{zeros}0,0,-1.0,0" for t, a in zip(time, z, strict=True)]
    path.write_text(header + ",solve_time\n" + "\n".join(row + ",0" for row in rows) + "\n")
    return path


def test_a_converted_log_scores_as_the_log_itself(log, tmp_path, capsys):
    assert main(["convert", "blimp-flight", str(log), str(tmp_path / "bag")]) == 0
    scores = []
    for source in (log, tmp_path / "bag"):
        capsys.readouterr()
        assert main(["evaluate", "blimp_control", str(source), "--json", "-"]) == 0
        scores.append(json.loads(capsys.readouterr().out)["scores"])
    assert scores[0]["large_correlation"] > 0.9
    assert scores[1] == pytest.approx(scores[0], abs=0.1)


def test_the_setpoint_holds_until_the_next(log, tmp_path):
    assert main(["convert", "blimp-flight", str(log), str(tmp_path / "bag")]) == 0
    flight = read_flight_bag(tmp_path / "bag")
    assert set(flight.setpoint) == {1.0}
    assert flight.altitude.max() == pytest.approx(1.2, abs=0.01)
    assert np.all(np.diff(flight.time) > 0.0)


def test_a_recording_without_a_flight_is_named(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic("/on", "std_msgs/msg/Bool")
        bag.write("/on", 1, b"\0\1\0\0\1")
    with pytest.raises(WrongTopics, match=r"bag: 0 topics of type sensor_msgs/msg/Range"):
        read_flight_bag(tmp_path / "bag")
