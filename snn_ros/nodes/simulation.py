"""A simulated world as a node: real time or lock step, pause, /clock, and the end of the run."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.duration import Duration
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_srvs.srv import SetBool, Trigger

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.nodes.simulated_blimp import SimulatedBlimp
from snn_ros.nodes.simulated_world import SimulatedWorld, Stamped, Topic
from snn_ros.packages import OWN_PACKAGE, share_directory
from snn_ros.ros.health import WARN
from snn_ros.ros.main import run
from snn_ros.ros.node import NodeParameters, SystemNode
from snn_ros.ros.qos import LATCHED, RESULT
from snn_ros.simulation.open_scenario import AnyScenario, open_scenario
from snn_ros.simulation.scenario import Scenario

_POLL_PERIOD = 0.01  # s; how exactly the time-out of a step is kept
_SETTLING_TIME = 1.0  # s from the discovery of one side until the other has discovered it, too
_FAREWELL = 10.0  # s that the node stays after its last step, to tell who steps that it is over
_LAST_DELIVERY = 1.0  # s in which reliable subscribers can ask again for what they missed

OUTPUT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=50, reliability=ReliabilityPolicy.RELIABLE
)
"""Reliable, so that every subscriber matches; a period brings up to ten messages of a topic."""


class MissedStep(SnnRosError):
    """Nobody answered a period in time."""


class ClockConflict(SnnRosError):
    """The simulation was told to take its time from /clock, which it publishes."""


@dataclass(frozen=True)
class SimulationParameters(NodeParameters):
    """Parameters of the simulation."""

    scenario: str = setting(
        "blimp_four_setpoints",
        "a name in config/scenarios, a YAML file, or street-random:SEED",
        read_only=True,
    )
    pace: float = setting(
        1.0,
        "simulated seconds per second; 0 is lock step: every period waits for its answer",
        minimum=0.0,
        maximum=1000.0,
        read_only=True,
    )
    step_timeout: float = setting(
        0.5,
        "in lock step with an input, how long a period waits before the last answer counts on",
        unit="s",
        minimum=0.01,
        maximum=60.0,
    )
    start_timeout: float = setting(
        30.0,
        "in lock step with an input, how long the run waits for whoever answers to be there",
        unit="s",
        minimum=0.0,
        maximum=600.0,
    )
    control: str = setting(
        "route",
        "streets: the ego drives its route by itself, or follows the paths that come in",
        choices=("route", "path"),
        read_only=True,
    )
    path_timeout: float = setting(
        1.0,
        "streets: age of the newest path beyond which the ego brakes",
        unit="s",
        minimum=0.0,
        maximum=60.0,
        read_only=True,
    )
    slow_ms: float = setting(
        50.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )


class SimulationNode(SystemNode[SimulationParameters]):
    """Runs one scenario and ends its process when it is over."""

    parameters_type = SimulationParameters

    def configure(self, parameters: SimulationParameters) -> None:
        """Load the scenario, make its world, add topics and services."""
        if self.simulated_time:
            raise ClockConflict("use_sim_time = True: the simulation publishes /clock itself")
        folder = Path(share_directory(OWN_PACKAGE)) / "config" / "scenarios"
        self._pacing = parameters
        self._world = make_world(open_scenario(parameters.scenario, folder), parameters)
        self._disposers.append(self._world.close)
        self._outputs = {topic.name: self._add_topic(topic) for topic in self._world.topics}
        self._missed = 0
        self.add_service("pause", SetBool, self._pause)
        self.add_service("step", Trigger, self._step)
        if source := self._world.input:
            self.add_input(
                source.name, source.type, self._receive, qos=RESULT, required=source.required
            )
        if parameters.pace > 0.0:
            self.add_periodic(self._world.period / parameters.pace, self._keep_pace)
        else:
            self.add_periodic(_POLL_PERIOD, self._keep_step if source else self._keep_waiting)

    def activate(self) -> None:
        """Begin the run, or go on with it."""
        now = time.monotonic()
        self._expected_ns: int | None = None
        self._answered = False
        self._paused_at: float | None = None
        self._deadline = now + self._pacing.start_timeout
        self._discovered: float | None = None
        self._settled = now + _SETTLING_TIME
        self._began, self._began_time = now, self._world.time
        self._publish(self._world.static_messages())

    def _add_topic(self, topic: Topic) -> Publisher:
        name = self.resolve_topic_name(topic.name, only_expand=True)
        return self.add_output(name, topic.type, qos=LATCHED if topic.latched else OUTPUT)

    # Real time -----------------------------------------------------------------------------------

    def _keep_pace(self) -> None:
        """A period that took too long makes the next ones late; none is skipped or hurried."""
        if self._paused_at is None:
            self._advance()

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Stop the clock, or let it go on from where it stands."""
        now = time.monotonic()
        if not self.active:
            response.message = "the node is not active"
            return response
        if request.data and self._paused_at is None:
            self._paused_at = now
        elif not request.data and self._paused_at is not None:
            paused = now - self._paused_at
            self._deadline += paused
            self._began += paused
            self._paused_at = None
        response.success = True
        response.message = f"{'paused' if request.data else 'runs'} at {self._world.time:.3f} s"
        return response

    # Lock step -----------------------------------------------------------------------------------

    def _receive(self, message: Any) -> None:
        """Take an input; in lock step the one that answers the last stamp ends the period."""
        if self._world.receive(message) == self._expected_ns:
            self._answered = True
            if self._paused_at is None:
                self._advance()

    def _keep_step(self) -> None:
        """Begin once whoever answers is there, and go on when it does not answer."""
        now = time.monotonic()
        if self._paused_at is not None:
            return
        if self._answered:
            self._advance()
        elif self._expected_ns is None:
            if now >= self._deadline or self._somebody_is_there(now):
                self._advance()
        elif now >= self._deadline:
            self._missed += 1
            missed = f"nothing for stamp {self._expected_ns * 1e-9:.3f} s"
            self._advance()
            raise MissedStep(f"{missed} within {self._pacing.step_timeout:g} s")

    def _somebody_is_there(self, now: float) -> bool:
        listens = all(self._outputs[name].get_subscription_count() for name in self._world.awaited)
        topics = [health.topic for health in self.health.inputs.values()]
        if not (listens and all(map(self.count_publishers, topics))):
            self._discovered = None
            return False
        self._discovered = self._discovered or now
        return now - self._discovered > _SETTLING_TIME

    def _step(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Run one period now, and answer when its messages are out."""
        response.message = self._obstacle()
        if response.message:
            return response
        # who was there before this node has discovered its publishers by then
        time.sleep(max(self._settled - time.monotonic(), 0.0))
        with self.guarded():
            self._advance()
            response.success = True
        response.message = f"{self._world.time:.3f} s" if response.success else self.health.failure
        return response

    def _obstacle(self) -> str:
        """Why there can be no step now."""
        if not self.active:
            return "the node is not active"
        if self._pacing.pace > 0.0:
            return f"pace = {self._pacing.pace:g}: in lock step only, which is pace = 0"
        if self._paused_at is not None:
            return "paused"
        if self._world.finished:
            # the answer must be out before the process is gone
            self._deadline = min(self._deadline, time.monotonic() + _LAST_DELIVERY)
            return f"the {self._world.kind} is over"
        return ""

    def _keep_waiting(self) -> None:
        """Where only the service makes steps there is nothing to do, but to end some time."""
        if self._world.finished and time.monotonic() >= self._deadline:
            self._finish()

    # One period ----------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Run one period and publish what it brought."""
        if self._world.finished:
            self._finish()
            return
        self.health.work_begins(time.monotonic())
        stamp_ns = self._publish(self._world.advance())
        now = time.monotonic()
        self._answered = False
        self._expected_ns = stamp_ns if self._pacing.pace == 0.0 else None
        self._deadline = now + (self._pacing.step_timeout if self._world.input else _FAREWELL)
        self.health.work_ends(now)
        self._report(now)

    def _publish(self, found: Iterable[Stamped]) -> int:
        """Send messages in their order; the stamp of the last, in ns."""
        stamp_ns = 0
        for stamped in found:
            self._outputs[stamped.topic].publish(stamped.message)
            stamp_ns = stamped.stamp_ns
        return stamp_ns

    def _report(self, now: float) -> None:
        """What diagnostics show."""
        simulated = self._world.time - self._began_time
        self.health.notes = {
            "time_s": f"{self._world.time:.1f}",
            "pace": f"{simulated / max(now - self._began, 1e-3):.2f}",
            "missed_steps": str(self._missed),
        } | self._world.notes()
        warning = self._world.warning
        if warning and not self.health.alarm:
            self.get_logger().warning(warning)
        self.health.alarm = (WARN, warning) if warning else None

    def _finish(self) -> None:
        """Say how it went, then end this process as SIGINT would."""
        self._expected_ns = None
        self.get_logger().info(
            f"{self._world.kind} of {self._world.time:.1f} s over; "
            f"periods without an answer: {self._missed}; {self._world.outcome()}"
        )
        deadline = time.monotonic() + _LAST_DELIVERY
        for publisher in self._outputs.values():
            publisher.wait_for_all_acked(Duration(seconds=max(deadline - time.monotonic(), 0.0)))
        signal.raise_signal(signal.SIGINT)


def make_world(scenario: AnyScenario, parameters: SimulationParameters) -> SimulatedWorld:
    """The world of a scenario.

    Raises:
        ConfigurationError: somebody would start inside something.
        RendererError: it has cameras, and there is no off-screen renderer on this machine.
    """
    if isinstance(scenario, Scenario):
        return SimulatedBlimp(scenario)
    # only here: a flight need not wait for all that streets import
    from snn_ros.nodes.simulated_street import SimulatedStreet

    followed = parameters.control == "path"
    return SimulatedStreet(scenario, path_timeout=parameters.path_timeout if followed else None)


def main() -> int:
    """Run the node until the scenario is over."""
    return run(lambda: SimulationNode("simulation"))
