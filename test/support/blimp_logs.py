"""Plays recorded blimp flights to the controller node and keeps what network and PID answered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from snn_ros.cli import main
from snn_ros.msg import BlimpControlDebug
from support.ros_graph import NodeProcess, Probe

FLIGHTS = ("FBL_F8VT", "NMPC_CV", "NR_HX")
RESET_PERIOD = 20.0  # s


def replay_through_node(
    probe: Probe,
    start_node: Callable[..., NodeProcess],
    data_dir: Path,
    folder: Path,
    name: str,
    rate: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Commands of the network and of the PID at each tick in which the controller ran, in u."""
    log = data_dir / "blimp_flights" / f"{name}.csv"
    if not log.is_file():
        pytest.skip(f"recorded flight: no file {log}")
    bag = folder / name
    assert main(["convert", "blimp-flight", str(log), str(bag)]) == 0
    start_node(
        "blimp_control_node", "--ros-args", "-p", "use_sim_time:=true",
        "-r", "~/input/range:=/blimp/range", "-r", "~/input/setpoint:=/blimp/setpoint",
    )  # fmt: skip
    ticks = probe.hear("/blimp_control/output/debug", BlimpControlDebug, QoSProfile(depth=10_000))
    reset = probe.node.create_client(Trigger, "/blimp_control/reset_integral")
    probe.wait_active("/blimp_control")
    probe.wait(reset.service_is_ready)
    player = start_node(
        "bag_player_node", "--ros-args", "-p", f"bag:={bag}", "-p", f"rate:={rate}",
        "-p", "wait:=20.0", "-p", "topics:=[/blimp/range, /blimp/setpoint]",
    )  # fmt: skip
    next_reset = RESET_PERIOD

    def over() -> bool:
        nonlocal next_reset
        if ticks and seconds(ticks[-1]) - seconds(ticks[0]) >= next_reset:
            reset.call_async(Trigger.Request())
            next_reset += RESET_PERIOD
        return player.process.poll() is not None

    probe.wait(over, 150.0, "the replay to end")
    assert player.process.returncode == 0, player.output
    running = [tick for tick in ticks if tick.state == "running"]
    return np.array([t.u_snn for t in running]), np.array([t.u_pid for t in running])


def seconds(message: BlimpControlDebug) -> float:
    """Stamp of a message."""
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
