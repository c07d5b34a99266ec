"""Everything between the sensor and the motors, driven by a clock: the node only converts.

Raw ranges go in as they come, ``tick`` is called at 10 Hz and answers with motor duty and tilt.
All times are seconds of one clock that rises; a clock that jumps back is noticed and everything
that remembers times starts anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from snn_ros.blimp_control.altitude_filter import AltitudeFilter, AltitudeFilterConfig
from snn_ros.blimp_control.freshness import (
    DEGRADED,
    FAILSAFE,
    OFF,
    RUNNING,
    STARTING,
    Freshness,
    FreshnessConfig,
)
from snn_ros.blimp_control.motors import pwm_duty, tilt_angle
from snn_ros.blimp_control.pid import NOMINAL_PERIOD
from snn_ros.blimp_control.pipeline import BlimpController, BlimpStep, ControllerState
from snn_ros.blimp_control.safety import ChainOutput, OutputChain, OutputLimits
from snn_ros.configuration import ConfigurationError, check, setting

_INTEGRAL_MEMORY = 60.0  # s for which a saved integral is worth restoring
_DESCENT_RATE = 0.2  # m/s when landing
_LANDED = 0.05  # m above h_min


@dataclass(frozen=True)
class SupervisorConfig:
    """Rules around the controller."""

    h_min: float = setting(0.2, "below this altitude nothing pushes down", unit="m", minimum=0.0)
    h_max: float = setting(3.0, "above this altitude nothing pushes up", unit="m", minimum=0.3)
    settling_ticks: int = setting(
        30, "ticks without error before the first command", minimum=0, maximum=300
    )
    setpoint_timeout: float = setting(
        0.0, "age of the setpoint after which the altitude is held; 0: never", unit="s", minimum=0.0
    )
    failsafe_u: float = setting(
        0.0, "command the failsafe ramps to", unit="u", minimum=-10.0, maximum=10.0
    )
    stop_ramp: float = setting(
        1.0, "time to zero thrust after deactivation", unit="s", minimum=0.0, maximum=10.0
    )
    save_integral: bool = setting(False, "keep the I term over a short deactivation")
    battery_low: float = setting(
        3.4, "cell voltage that makes the blimp land", unit="V", minimum=0.0
    )
    battery_patience: float = setting(
        5.0, "time the voltage must stay low", unit="s", minimum=0.0, maximum=120.0
    )
    altitude: AltitudeFilterConfig = setting(AltitudeFilterConfig, "altitude filter")
    freshness: FreshnessConfig = setting(FreshnessConfig, "ages of the altitude")
    output: OutputLimits = setting(OutputLimits, "output chain")


@dataclass(frozen=True)
class ControlOutput:
    """What happened in a tick.

    Attributes:
        step: of the controller; of the last one where it did not run.
        state: one of ``freshness.STATES``.
        altitude: filtered, in m; NaN before the first.
        setpoint: in m; NaN before the start.
        error: setpoint minus altitude in m.
        input_age: of the newest altitude in s; infinite before the first.
        command: u after the output chain.
        saturated: the chain clipped the command.
        thrust_left: duty, 0 to 1.
        thrust_right: duty, 0 to 1.
        tilt: shaft angle in rad, 0 up, pi down.
        battery_low: the blimp lands because of its battery.
    """

    step: BlimpStep
    state: str
    altitude: float
    setpoint: float
    error: float
    input_age: float
    command: float
    saturated: bool
    thrust_left: float
    thrust_right: float
    tilt: float
    battery_low: bool


class BlimpSupervisor:
    """Filter, freshness, controller, guards and output chain in one place.

    Args:
        controller: the controller.
        config: the rules.

    Raises:
        ConfigurationError: a value of the configuration is wrong.
    """

    def __init__(self, controller: BlimpController, config: SupervisorConfig | None = None) -> None:
        self.config = config = check(config or SupervisorConfig())
        problems = config.freshness.problems()
        if config.h_min >= config.h_max:
            problems.append(f"h_min = {config.h_min!r}: must be below h_max = {config.h_max!r}")
        if problems:
            raise ConfigurationError("SupervisorConfig", problems)
        self.controller = controller
        self._filter = AltitudeFilter(config.altitude)
        self._freshness = Freshness(config.freshness)
        self._chain = OutputChain(config.output)
        self._saved: tuple[float, ControllerState] | None = None
        self._tick_time: float | None = None
        self._low_since: float | None = None
        self._landing = False
        self._command = self._ramp_from = 0.0
        self._newest_time = -math.inf
        self._forget()

    @property
    def state(self) -> str:
        """One of ``freshness.STATES``."""
        return self._freshness.state

    def add_range(
        self, distance: float, now: float, roll: float = 0.0, pitch: float = 0.0
    ) -> str | None:
        """Take one raw range sample.

        Args:
            distance: along the beam in m.
            now: time of reception in s.
            roll: in rad.
            pitch: in rad.

        Returns:
            None, or why the sample was rejected.
        """
        self._watch_clock(now)
        return self._filter.add(distance, now, roll, pitch)

    def set_setpoint(self, altitude: float, now: float) -> str | None:
        """Take a new setpoint in m; returns None, or why it was rejected."""
        self._watch_clock(now)
        low, high = self.config.h_min, self.config.h_max
        if not math.isfinite(altitude):
            return f"setpoint is {altitude!r}"
        if not low <= altitude <= high:
            return f"setpoint {altitude!r} m outside {low} to {high} m"
        if not self._freshness.active:
            return f"setpoint {altitude!r} m while not active"
        if self._battery_is_low(now):
            return f"setpoint {altitude!r} m while landing with a low battery"
        if self._landing:
            return f"setpoint {altitude!r} m while landing"
        self._setpoint, self._setpoint_time = altitude, now
        return None

    def add_battery(self, cell_voltage: float, now: float) -> None:
        """Take the voltage of one cell in V; a low one for long enough makes the blimp land."""
        self._watch_clock(now)
        if not cell_voltage < self.config.battery_low:
            self._low_since = None
        elif self._low_since is None:
            self._low_since = now

    def land(self, landing: bool) -> None:
        """Descend slowly to ``h_min``, or stop doing so and hold."""
        self._landing = landing

    @property
    def landed(self) -> bool:
        """Whether a descent has come to its end."""
        down = self._altitude() <= self.config.h_min + _LANDED
        return self._landing and self._freshness.flying and down

    def activate(self, now: float) -> None:
        """Start as soon as enough fresh altitudes have come."""
        self._landing = False
        self._forget()
        self._freshness.activate(now)

    def deactivate(self, now: float) -> None:
        """Ramp to zero thrust; keep ticking for ``stop_ramp``."""
        if self._freshness.flying:
            self._saved = (now, self.controller.get_state())
        self._ramp_from = self._command
        self._freshness.deactivate(now)

    def reset_integral(self) -> None:
        """The I term to zero."""
        self.controller.reset_integral()

    def tick(self, now: float) -> ControlOutput:
        """One control tick.

        Args:
            now: time in s, 0.1 s after the last call unless ticks were missed.
        """
        self._watch_clock(now)
        period = NOMINAL_PERIOD if self._tick_time is None else now - self._tick_time
        period = min(max(period, 0.5 * NOMINAL_PERIOD), 3.0 * NOMINAL_PERIOD)
        self._tick_time = now
        age = math.inf if self._filter.newest is None else max(now - self._filter.newest, 0.0)
        was_flying, before = self._freshness.flying, self.state
        state = self._freshness.update(now, age, self._filter.accepted)
        if self._freshness.flying and not was_flying:
            self._start(now)
        if state == FAILSAFE and before != FAILSAFE:
            self._lose_altitude()
        elif state == OFF and before == FAILSAFE:
            self._ramp_from = 0.0
        wanted = self._wanted(state, now, period)
        output = self._chain.apply(self._guarded(wanted), period)
        self._command = output.command
        return self._report(state, age, output)

    def _start(self, now: float) -> None:
        """With a network that has come to rest; hold the altitude unless told otherwise since."""
        self.controller.reset()
        self.controller.settle(self.config.settling_ticks)
        if self._saved and self.config.save_integral and now - self._saved[0] < _INTEGRAL_MEMORY:
            self.controller.restore_integral(self._saved[1])
        self._saved = None
        if math.isnan(self._setpoint):
            self._setpoint, self._setpoint_time = self._altitude(), now
        self._chain.reset()

    def _lose_altitude(self) -> None:
        self._filter.reset()
        self._setpoint = self._setpoint_time = math.nan
        self._ramp_from = self._step.u_i

    def _wanted(self, state: str, now: float, period: float) -> float:
        """The command before guards and chain in u."""
        if self._freshness.flying:
            if state in (STARTING, RUNNING):
                self._follow_setpoint(now, period)
                self._step = self.controller.step(self._error(), now)
            ramp = self._freshness.ramp(now)
            return ramp * (self._step.u_i if state == DEGRADED else self._step.u)
        elapsed = now - self._freshness.since
        if state == FAILSAFE:
            share = min(elapsed / self.config.freshness.failsafe_ramp, 1.0)
            return self._ramp_from + share * (self.config.failsafe_u - self._ramp_from)
        if state == OFF and elapsed < self.config.stop_ramp:
            return self._ramp_from * (1.0 - elapsed / self.config.stop_ramp)
        return 0.0

    def _follow_setpoint(self, now: float, period: float) -> None:
        timeout = self.config.setpoint_timeout
        if timeout > 0.0 and now - self._setpoint_time > timeout:
            self._setpoint, self._setpoint_time = self._altitude(), math.inf
        if self._landing or self._battery_is_low(now):
            self._setpoint = max(self._setpoint - _DESCENT_RATE * period, self.config.h_min)

    def _battery_is_low(self, now: float) -> bool:
        since = self._low_since
        return since is not None and now - since >= self.config.battery_patience

    def _guarded(self, command: float) -> float:
        """Nothing pushes further beyond floor and ceiling."""
        altitude = self._altitude()
        if altitude > self.config.h_max:
            return min(command, 0.0)
        if altitude < self.config.h_min:
            return max(command, 0.0)
        return command

    def _altitude(self) -> float:
        altitude = self._filter.altitude
        return math.nan if altitude is None else altitude

    def _error(self) -> float:
        return self._setpoint - self._altitude()

    def _watch_clock(self, now: float) -> None:
        """Everything that remembers times starts anew when the clock jumps back."""
        if now < self._newest_time:
            active, setpoint = self._freshness.active, self._setpoint
            self._forget()
            if active:
                self._freshness.activate(now)
                self._setpoint, self._setpoint_time = setpoint, now
        self._newest_time = now

    def _forget(self) -> None:
        self._filter.reset()
        self._chain.reset()
        self._step = BlimpStep()
        self._setpoint = self._setpoint_time = math.nan
        self._tick_time = self._low_since = None
        self._newest_time = -math.inf
        self._command = self._ramp_from = 0.0

    def _report(self, state: str, age: float, output: ChainOutput) -> ControlOutput:
        duty = pwm_duty(output.command)
        step = self._step if self._freshness.flying else replace(self._step, spikes=0)
        return ControlOutput(
            step,
            state,
            self._altitude(),
            self._setpoint,
            self._error(),
            age,
            output.command,
            output.saturated or step.saturated,
            duty,
            duty,
            tilt_angle(output.direction),
            self._tick_time is not None and self._battery_is_low(self._tick_time),
        )
