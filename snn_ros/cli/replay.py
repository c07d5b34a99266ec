"""Publish a recording over DDS, with its time on /clock.

BAG is a rosbag2 folder, a single .mcap or .db3 file, or a ROS 1 .bag. Topics are offered with the
quality of service they were recorded with. With --launch the launch file is started first, the
recording begins when its nodes are active and subscribed, and they are stopped after their last
result.

Example:
  snn-ros replay flight --rate 2 --remap /blimp/range:=/range
  snn-ros replay flight --launch blimp_control use_sim_time:=true
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import rclpy
from rclpy.signals import SignalHandlerOptions
from tqdm import tqdm

from snn_ros import configuration
from snn_ros.bags.replay import ReplayConfig
from snn_ros.cli import DONE, FAILED
from snn_ros.cli.figures import add_json_option, write_json
from snn_ros.cli.launched_nodes import LaunchedNodes
from snn_ros.nodes.bag_player import BagPlayer, ReplayResult
from snn_ros.ros.launcher.errors import LaunchArgumentError, LaunchError
from snn_ros.ros.launcher.run import LaunchSession
from snn_ros.ros.main import prepare_environment

_DEFAULTS = ReplayConfig()
_LISTEN_TIMEOUT = 5.0  # s for active nodes to be seen to subscribe


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments; those named like a field of ReplayConfig set it."""
    parser.add_argument("bag", metavar="BAG", help="folder or file")
    parser.add_argument(
        "--rate", type=float, default=_DEFAULTS.rate, metavar="R", help="speed (default 1)"
    )
    parser.add_argument(
        "--loop", type=int, default=_DEFAULTS.loop, metavar="N", help="times to play, 0: for ever"
    )
    parser.add_argument(
        "--start", type=float, default=_DEFAULTS.start, metavar="S", help="seconds to skip"
    )
    parser.add_argument("--topics", nargs="+", default=(), metavar="TOPIC", help="play only these")
    parser.add_argument("--remap", nargs="+", default=(), metavar="A:=B", help="rename topics")
    parser.add_argument(
        "--clock",
        action=argparse.BooleanOptionalAction,
        default=_DEFAULTS.clock,
        help="publish the time of the recording on /clock (default)",
    )
    parser.add_argument(
        "--reliable", action="store_true", help="offer reliable delivery on every topic"
    )
    parser.add_argument(
        "--skip-unknown", action="store_true", help="skip topics whose type is not installed here"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=_DEFAULTS.wait,
        metavar="S",
        help="wait up to S seconds for a subscriber of every topic",
    )
    parser.add_argument(
        "--launch",
        nargs="+",
        metavar=("NAME", "ARG:=VALUE"),
        help="start this launch file first and stop it after its last result",
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=2.0,
        metavar="S",
        help="stop the nodes launched when no result has come for S seconds (default 2)",
    )
    add_json_option(parser)
    parser.set_defaults(clock_rate=_DEFAULTS.clock_rate)


def run(arguments: argparse.Namespace) -> int:
    """Play and say what was published; 1 when it was stopped or something did not arrive."""
    names = [field.name for field in dataclasses.fields(ReplayConfig)]
    values = {name: getattr(arguments, name) for name in names}
    config = configuration.from_mapping(ReplayConfig, values, "replay")
    # Both end the replay in order: in Python SIGTERM would end the process at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.launch:
        name, *given = arguments.launch
        with LaunchSession(name, _launch_arguments(given)) as session:
            result = _play_to_nodes(config, session, arguments.settle)
    else:
        session = None
        with _player(config) as player:
            result = _play(player)
    if arguments.json != "-":
        _print_table(result)
    if arguments.json:
        figures = {"bag": config.bag, "rate": config.rate, **dataclasses.asdict(result)}
        write_json(figures, arguments.json)
    if session is not None and session.exit_code:
        raise LaunchError(session.outcome)
    arrived = all(topic.acknowledged for topic in result.topics.values())
    return DONE if result.finished and arrived else FAILED


@contextmanager
def _player(config: ReplayConfig) -> Iterator[BagPlayer]:
    """The player in a ROS context of this process."""
    prepare_environment()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    player = None
    try:
        player = BagPlayer(config)
        yield player
    finally:
        if player is not None:
            player.close()
        rclpy.try_shutdown()


def _play_to_nodes(config: ReplayConfig, session: LaunchSession, settle: float) -> ReplayResult:
    """Play once the nodes launched are active and subscribed, and wait for their last result."""
    session.wait_active()
    names = [process.node.full_name for process in session.processes]
    with _player(config) as player:
        nodes = LaunchedNodes(player, [name for name in names if name])
        nodes.wait_until_listening(_LISTEN_TIMEOUT)
        result = _play(player)
        if result.finished:
            nodes.wait_for_last_result(settle)
    return result


def _launch_arguments(entries: Sequence[str]) -> dict[str, str]:
    pairs = [entry.partition(":=") for entry in entries]
    if wrong := ["".join(pair) for pair in pairs if not (pair[0] and pair[1])]:
        raise LaunchArgumentError(f"--launch: not name:=value: {', '.join(wrong)}")
    return {name: value for name, _, value in pairs}


def _play(player: BagPlayer) -> ReplayResult:
    """Play behind a progress bar of recorded seconds."""
    start_ns, end_ns = player.span_ns
    total = (end_ns - start_ns) * 1e-9 * player.config.loop
    with tqdm(total=total or None, unit="s", unit_scale=True, disable=None) as progress:
        latest_ns = start_ns

        def advance(stamp_ns: int) -> None:
            nonlocal latest_ns
            progress.update(max(0, stamp_ns - latest_ns) * 1e-9)
            latest_ns = stamp_ns

        return player.play(advance)


def _print_table(result: ReplayResult) -> None:
    print("published  recorded  topic")
    for name, topic in result.topics.items():
        lost = "" if topic.acknowledged else "  NOT ACKNOWLEDGED by a reliable subscriber"
        print(f"{topic.published:9}  {topic.recorded:8}  {name}  {topic.type}{lost}")
    for name, message_type in result.skipped.items():
        print(f"  skipped            {name}  {message_type} is not installed here")
    late = result.lateness_ms
    print(
        f"{result.wall_s:.1f} s{'' if result.finished else ', stopped early'}; late by "
        f"{late['p50']:.2f} ms (p50), {late['p99']:.2f} ms (p99); {result.lost_s:.1f} s lost"
    )
