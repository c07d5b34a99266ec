"""The base of all nodes: life cycle, parameters, inputs, outputs, times and diagnostics.

A node class converts messages and calls its pipeline; everything nodes have in common is here::

    class DetectorNode(SystemNode[DetectorParameters]):
        parameters_type = DetectorParameters

        def configure(self, parameters):
            self.detector = LidarDetector.from_config(profile=parameters.profile)
            self.add_trigger("points", PointCloud2, self.detect)
            self.detections = self.add_output("detections", Detection3DArray)

        def detect(self, cloud):
            self.detections.publish(to_message(self.detector.detect(to_array(cloud))))
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from builtin_interfaces.msg import Time as Stamp
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.timer import Timer

from snn_ros.configuration import setting
from snn_ros.errors import SnnRosError
from snn_ros.msg import Float64Stamped
from snn_ros.ros.conversions.stamps import NANOSECONDS
from snn_ros.ros.diagnostics import Reporter
from snn_ros.ros.health import Health, InputHealth
from snn_ros.ros.mailbox import Worker
from snn_ros.ros.parameters import ParameterSet
from snn_ros.ros.qos import RESULT, SENSOR

_WORKER_STOP_TIMEOUT = 1.0  # s; a process must end within 2 s of its signal


@dataclass(frozen=True)
class NodeParameters:
    """What every node can be told."""

    autostart: bool = setting(
        True, "configure and activate without a lifecycle manager", read_only=True
    )
    device: str = setting(
        "auto", "where networks run", choices=("auto", "cpu", "cuda"), read_only=True
    )
    silence_limit: float = setting(
        5.0, "silence of an input after which the node says what is missing", unit="s", minimum=0.1
    )
    slow_ms: float = setting(
        200.0, "processing time above which the node warns", unit="ms", minimum=0.001
    )


Parameters = TypeVar("Parameters", bound=NodeParameters)


class SystemNode(LifecycleNode, Generic[Parameters]):
    """A lifecycle node around one pipeline.

    Subclasses set ``parameters_type`` and override ``configure`` and, as needed, ``activate``,
    ``deactivate``, ``cleanup`` and ``clock_jumped_back``. A ``SnnRosError`` raised in a callback is
    bad input: counted, logged once per kind, reported in diagnostics, and the node goes on. Any
    other exception is a defect: the node logs it, stops its output and returns to unconfigured.
    """

    parameters_type: ClassVar[type[NodeParameters]] = NodeParameters

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.health = Health()
        self.active = False
        self._parameter_set = ParameterSet(self, self.parameters_type)
        self._worker: Worker | None = None
        self._work: Callable[[Any], None] | None = None
        self._disposers: list[Callable[[], object]] = []
        self._last_step: float | None = None
        self._failing = False
        self._failure_signal = self.create_guard_condition(self._process_failure)
        self._jump_handle = self.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
            ),
            post_callback=self._clock_jumped,
        )
        self._times = {
            kind: self.create_publisher(Float64Stamped, f"~/debug/{kind}_time_ms", RESULT)
            for kind in ("cyclic", "processing", "pipeline_latency")
        }
        self._reporter = Reporter(self)
        if self.get_parameter("autostart").value:
            self._autostart_timer = self.create_timer(
                0.0, self._autostart, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )

    # What a subclass overrides -----------------------------------------------------------------

    def configure(self, parameters: Parameters) -> None:
        """Build the pipeline, warm it up, and add inputs and outputs.

        Raises:
            SnnRosError: what a user must change; the node stays unconfigured and says so.
        """

    def activate(self) -> None:
        """Begin to answer."""

    def deactivate(self) -> None:
        """Send what must be sent last; outputs still publish here."""

    def cleanup(self) -> None:
        """Free the pipeline."""

    def clock_jumped_back(self, seconds: float) -> None:
        """Clear what depends on ROS time: it went back by so many seconds."""

    def describe_silence(self) -> str:
        """More to say when an input is silent, such as the spread of stamps."""
        return ""

    # What a subclass calls ---------------------------------------------------------------------

    def add_input(
        self,
        name: str,
        message_type: type,
        callback: Callable[[Any], None],
        *,
        qos: QoSProfile = SENSOR,
        required: bool = True,
    ) -> None:
        """Subscribe to ``~/input/<name>``; the callback runs in the executor while active."""
        topic = self.resolve_topic_name(f"~/input/{name}")
        health = self.health.inputs[name] = InputHealth(topic, required)

        def receive(message: Any) -> None:
            if self.active:
                self.health.input_arrived(name, time.monotonic())
                with self.guarded():
                    callback(message)

        def incompatible(event: QoSRequestedIncompatibleQoSInfo) -> None:
            health.incompatible_qos = qos_policy_name_from_kind(event.last_policy_kind)
            self.get_logger().warning(
                f"{topic}: a publisher offers another {health.incompatible_qos} than asked for; "
                "nothing will arrive from it"
            )

        subscription = self.create_subscription(
            message_type,
            topic,
            receive,
            qos,
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=incompatible),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._disposers.append(lambda: self.destroy_subscription(subscription))

    def add_trigger(
        self,
        name: str,
        message_type: type,
        process: Callable[[Any], None],
        *,
        qos: QoSProfile = SENSOR,
    ) -> None:
        """Subscribe to the input whose newest message the pipeline answers, in its own thread."""

        def work(message: Any) -> None:
            with self.guarded(), self.step(message.header.stamp):
                process(message)

        def post(message: Any) -> None:
            if self._worker is not None:
                self._worker.mailbox.put(message)
                self.health.inputs[name].dropped = self._worker.mailbox.dropped

        self._work = work
        self.add_input(name, message_type, post, qos=qos)

    def add_output(self, name: str, message_type: type, *, qos: QoSProfile = RESULT) -> Publisher:
        """A publisher that is silent unless the node is active.

        Args:
            name: published as ``~/output/<name>``; a name that begins with / is kept as it is.
            message_type: what is published.
            qos: reliable by default.
        """
        publisher = self.create_lifecycle_publisher(
            message_type,
            name if name.startswith("/") else f"~/output/{name}",
            qos,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._disposers.append(lambda: self.destroy_lifecycle_publisher(publisher))
        return publisher

    def add_periodic(self, period: float, callback: Callable[[], None]) -> Timer:
        """Call back every period seconds while active: simulated seconds if there are any."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)

        def tick() -> None:
            if self.active:
                with self.guarded():
                    callback()

        timer = self.create_timer(
            period, tick, clock=self.get_clock() if self.simulated_time else steady
        )
        self._disposers.append(lambda: self.destroy_timer(timer))
        return timer

    def add_service(
        self, name: str, service_type: type, callback: Callable[[Any, Any], Any]
    ) -> None:
        """Offer ``~/<name>``."""
        service = self.create_service(service_type, f"~/{name}", callback)
        self._disposers.append(lambda: self.destroy_service(service))

    @property
    def simulated_time(self) -> bool:
        """Whether ``use_sim_time`` is on."""
        return bool(self.get_parameter("use_sim_time").value)

    def control_time(self) -> float:
        """Seconds on the clock that control runs on: simulated time if there is any, else steady.

        Never the system clock, which steps.
        """
        if self.simulated_time:
            return self.get_clock().now().nanoseconds * 1e-9
        return time.monotonic()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn bad input into a counted fault, and a defect into error processing."""
        try:
            yield
        except SnnRosError as err:
            self.report_fault(type(err).__name__, str(err))
        except Exception as err:  # noqa: BLE001 - whatever it is, the node must not die silently
            self.fail(err)

    def report_fault(self, kind: str, text: str) -> None:
        """Count a fault; the first of its kind is logged."""
        if self.health.fault(kind, text):
            self.get_logger().warning(f"{kind}: {text} (further ones are counted in /diagnostics)")

    def fail(self, err: BaseException) -> None:
        """Stop because of a defect: log it, go through error processing, stay visible."""
        self.get_logger().error("".join(traceback.format_exception(err)))
        self.health.failure = f"{type(err).__name__}: {err}"
        self._failing = True
        self._failure_signal.trigger()

    @contextmanager
    def step(self, stamp: Stamp) -> Iterator[None]:
        """Measure one answer of the pipeline and publish its times.

        Args:
            stamp: stamp of the input answered; the pipeline latency counts from it.
        """
        now = time.monotonic()
        if self._last_step is not None:
            self._publish_time("cyclic", stamp, (now - self._last_step) * 1e3)
        self._last_step = now
        self.health.work_begins(now)
        try:
            yield
        finally:
            self._publish_time("processing", stamp, self.health.work_ends(time.monotonic()))
            # Also of a stamp that cannot be: the reader refuses it, and the node goes on.
            stamp_ns = stamp.sec * NANOSECONDS + stamp.nanosec
            latency_ns = self.get_clock().now().nanoseconds - stamp_ns
            self._publish_time("pipeline_latency", stamp, latency_ns * 1e-6)

    @contextmanager
    def stage(self, name: str, stamp: Stamp) -> Iterator[None]:
        """Measure one stage of an answer, published on ``~/debug/processing_time/<name>_ms``."""
        began = time.monotonic()
        yield
        self.stage_took(name, stamp, (time.monotonic() - began) * 1e3)

    def stage_took(self, name: str, stamp: Stamp, milliseconds: float) -> None:
        """Publish the time of a stage that its pipeline measured itself, as ``stage`` does."""
        key = f"processing_time/{name}"
        if key not in self._times:
            self._times[key] = self.create_publisher(Float64Stamped, f"~/debug/{key}_ms", RESULT)
        self._publish_time(key, stamp, milliseconds)

    def close(self) -> None:
        """Take the node down from whatever state it is in; no thread is left."""
        if self.active:
            self.trigger_deactivate()
        self._dispose()
        self._reporter.stop()
        self._jump_handle.unregister()
        self.destroy_node()

    # Life cycle --------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and build the pipeline."""

        def configure() -> None:
            parameters: Any = self._parameter_set.read()
            self._reporter.silence_limit = parameters.silence_limit
            self._reporter.slow_ms = parameters.slow_ms
            self.configure(parameters)

        self.health.failure = ""
        result = self._attempt("configure", configure)
        if result != TransitionCallbackReturn.SUCCESS:
            self._dispose()
            return result
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let outputs publish, start the worker, run."""
        super().on_activate(state)
        result = self._attempt("activate", self.activate)
        if result == TransitionCallbackReturn.SUCCESS:
            if self._work is not None:
                self._worker = Worker(self._work, self.fail)
            self._last_step = None
            self.health.start(time.monotonic())
            self.active = True
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the worker and the output."""
        self.active = False
        if self._worker is not None and not self._worker.stop(_WORKER_STOP_TIMEOUT):
            self.get_logger().error("the pipeline hangs; its thread is left behind")
        self._worker = None
        result = self._attempt("deactivate", self.deactivate)
        super().on_deactivate(state)
        return TransitionCallbackReturn.ERROR if self._failing else result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the pipeline, inputs and outputs."""
        self._dispose()
        return super().on_cleanup(state)

    def on_error(self, _state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured, from where the node can be configured again."""
        self._failing = False
        self._dispose()
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, transition: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Run one transition; rclpy would swallow its exceptions."""
        try:
            action()
        except SnnRosError as err:
            self.health.failure = f"{transition} failed: {err}"
            self.get_logger().error(self.health.failure)
            return TransitionCallbackReturn.FAILURE
        except Exception as err:  # noqa: BLE001
            self.health.failure = f"{transition} failed: {type(err).__name__}: {err}"
            self.get_logger().error("".join(traceback.format_exception(err)))
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _autostart(self) -> None:
        self._autostart_timer.cancel()
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _process_failure(self) -> None:
        if self.active:
            self.trigger_deactivate()

    def _dispose(self) -> None:
        """Undo what configure made."""
        self.cleanup()
        while self._disposers:
            self._disposers.pop()()
        self._work = None
        self.health.inputs.clear()

    def _clock_jumped(self, jump: TimeJump) -> None:
        seconds = -jump.delta.nanoseconds * 1e-9
        self.report_fault(
            "clock_jump_back", f"ROS time went back by {seconds:.3f} s, history cleared"
        )
        with self.guarded():
            self.clock_jumped_back(seconds)

    def _publish_time(self, kind: str, stamp: Stamp, milliseconds: float) -> None:
        publisher = self._times[kind]
        if publisher.get_subscription_count():
            message = Float64Stamped(data=milliseconds)
            message.header.stamp = stamp
            publisher.publish(message)
