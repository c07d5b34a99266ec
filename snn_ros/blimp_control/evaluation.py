"""Scores of a network beside the PID: in the oracle's worlds, in held-out ones, on flight logs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn_ros.blimp_control import flight_scores as scores
from snn_ros.blimp_control.domains import (
    ORACLE_HOLD,
    ORACLE_SETPOINTS,
    Domains,
    calm_domains,
    step_profile,
)
from snn_ros.blimp_control.fitness import (
    FLOWN_GAINS,
    INTEGRAL_RESET,
    SMALL_COMMAND,
    error_rates,
    pid_responses,
)
from snn_ros.blimp_control.flight_scores import FloatArray
from snn_ros.blimp_control.parameters import NetworkParameters
from snn_ros.blimp_control.pid import NOMINAL_PERIOD, PidGains
from snn_ros.blimp_control.pipeline import BlimpController
from snn_ros.blimp_control.plant import PLANTS, PlantParameters, ballast_acceleration
from snn_ros.blimp_control.simulator import Flights, fly, fly_pid, pack, respond
from snn_ros.errors import SnnRosError

ORACLE_BUOYANCY = (0.0, 0.03, -0.03, 0.05, -0.05, 0.10, -0.10)  # m/s2
BALLAST = (0.0, 2.0, -2.0, 4.5, -4.5)  # g
ACCEPTED_RATIO = 1.15
CENTIMETRES = 100.0
_TRIM_TICKS = 200  # the I term is averaged over the last 20 s
_SENSOR_STEP = 0.01  # m


class LogError(SnnRosError):
    """A flight log cannot be scored."""


@dataclass(frozen=True)
class OracleRow:
    """One controller on one plant with one buoyancy, as in the published table.

    Attributes:
        plant: ``A`` or ``B``.
        controller: its name.
        buoyancy: in m/s2.
        overshoot: after each of the four steps in cm.
        settled_error: |mean error| in the last 10 s of each step in cm.
        rmse: in cm.
        mean_command: mean |u|.
    """

    plant: str
    controller: str
    buoyancy: float
    overshoot: tuple[float, ...]
    settled_error: tuple[float, ...]
    rmse: float
    mean_command: float


def oracle_rows(
    network: NetworkParameters | None,
    gains: PidGains,
    buoyancy: Sequence[float] = ORACLE_BUOYANCY,
    name: str = "PID",
) -> list[OracleRow]:
    """Fly the oracle's setpoints on both plants.

    The altitude is rounded to 1 cm and the command drives the motors directly, as in the recipe
    of the published table: no altitude filter, no output chain.

    Args:
        network: to fly; None flies the PID.
        gains: of the PID.
        buoyancy: values of b in m/s2.
        name: of the controller in the rows.
    """
    setpoint = step_profile(ORACLE_SETPOINTS, ORACLE_HOLD)
    rows = []
    for plant, parameters in PLANTS.items():
        domains = calm_domains([parameters] * len(buoyancy), buoyancy, setpoint)
        flights = fly_pid(domains, gains) if network is None else fly(pack([network]), domains)
        rows += _oracle_rows(plant, name, buoyancy, setpoint, flights)
    return rows


def _oracle_rows(
    plant: str, name: str, buoyancy: Sequence[float], setpoint: FloatArray, flights: Flights
) -> list[OracleRow]:
    altitude, u = flights.altitude[0], flights.u[0]
    scored = slice(scores.steps(setpoint)[0], None)  # the first hold is not scored
    overshoot = scores.overshoots(altitude, setpoint) * CENTIMETRES
    settled = scores.settled_errors(altitude, setpoint) * CENTIMETRES
    rmse = scores.rms((setpoint - altitude)[:, scored]) * CENTIMETRES
    command = np.abs(u[:, scored]).mean(axis=-1)
    return [
        OracleRow(
            plant,
            name,
            b,
            tuple(float(x) for x in overshoot[i]),
            tuple(float(x) for x in settled[i]),
            float(rmse[i]),
            float(command[i]),
        )
        for i, b in enumerate(buoyancy)
    ]


@dataclass(frozen=True)
class DomainScores:
    """RMSE of a network over the PID's, domain by domain.

    Attributes:
        ratio: (D,) RMSE over the PID's.
        rmse: (D,) in cm.
        pid_rmse: (D,) in cm.
        spikes: mean spikes per cell and tick.
    """

    ratio: FloatArray
    rmse: FloatArray
    pid_rmse: FloatArray
    spikes: float

    def figures(self) -> dict[str, float]:
        """The scores by name."""
        return {
            "domains": float(self.ratio.size),
            "share_within_1.15": float((self.ratio <= ACCEPTED_RATIO).mean()),
            "rmse_ratio_median": float(np.median(self.ratio)),
            "rmse_ratio_p95": float(np.quantile(self.ratio, 0.95)),
            "rmse_ratio_worst": float(self.ratio.max()),
            "rmse_cm_mean": float(self.rmse.mean()),
            "rmse_cm_worst_tenth": float(scores.worst_share(self.rmse)),
            "rmse_cm_worst": float(self.rmse.max()),
            "pid_rmse_cm_mean": float(self.pid_rmse.mean()),
            "pid_rmse_cm_worst_tenth": float(scores.worst_share(self.pid_rmse)),
            "pid_rmse_cm_worst": float(self.pid_rmse.max()),
        }


def domain_scores(network: NetworkParameters, domains: Domains) -> DomainScores:
    """Fly network and PID in the same domains, behind the same filter and output chain."""
    flown, reference = fly(pack([network]), domains), fly_pid(domains, FLOWN_GAINS)
    rmse, pid_rmse = (
        scores.rms(domains.setpoint - f.altitude[0]) * CENTIMETRES for f in (flown, reference)
    )
    spike_rate = float(flown.spikes.mean()) / (network.cells * network.sub_ticks)
    return DomainScores(rmse / pid_rmse, rmse, pid_rmse, spike_rate)


@dataclass(frozen=True)
class TrimRow:
    """What the I term came to carry with ballast aboard.

    Attributes:
        plant: ``A`` or ``B``.
        ballast: in g, positive is heavier.
        u_i: mean over the last 20 s in u.
        trim: the command at which thrust balances the ballast, in u.
        pid_u_i: I term of the PID flown in the same world, in u.
    """

    plant: str
    ballast: float
    u_i: float
    trim: float
    pid_u_i: float

    @property
    def within(self) -> bool:
        """Whether the I term is within max(10 %, 0.4 u) of the trim."""
        return abs(self.u_i - self.trim) <= max(0.1 * abs(self.trim), 0.4)


def trim_command(plant: PlantParameters, buoyancy: float) -> float:
    """The command u whose mean thrust balances b m/s2, between the levels of the PWM map."""
    duty = (abs(buoyancy) / plant.thrust_gain) ** (1.0 / plant.thrust_exponent)
    level = 45.0 * duty - 9.0 + 0.5  # the map rounds down, half a level on average
    return float(-np.sign(buoyancy) * max(level / 3.0, 0.0))


def trim_rows(network: NetworkParameters, ballast: Sequence[float] = BALLAST) -> list[TrimRow]:
    """Hover for 140 s with each ballast on each plant and read the I term."""
    setpoint = step_profile((1.0,), 140.0)
    buoyancy = [ballast_acceleration(grams) for grams in ballast]
    rows = []
    for name, plant in PLANTS.items():
        domains = calm_domains([plant] * len(ballast), buoyancy, setpoint)
        flown, reference = fly(pack([network]), domains), fly_pid(domains, PidGains())
        held, pid_held = (f.u_i[0, :, -_TRIM_TICKS:].mean(axis=-1) for f in (flown, reference))
        rows += [
            TrimRow(
                name, grams, float(held[i]), trim_command(plant, buoyancy[i]), float(pid_held[i])
            )
            for i, grams in enumerate(ballast)
        ]
    return rows


@dataclass(frozen=True)
class LogAgreement:
    """3 s means of network and PID on a recorded flight, their I terms reset every 20 s.

    Attributes:
        windows: number of windows.
        large_share: share of windows in which the PID's mean is above 0.5 u.
        correlation: Pearson correlation there; NaN where there are fewer than 3.
        small_difference: largest |difference| in all other windows in u.
        large_difference: largest |difference| in the large ones in u.
    """

    windows: int
    large_share: float
    correlation: float
    small_difference: float
    large_difference: float


def resample(time_s: FloatArray, values: FloatArray) -> FloatArray:
    """A recorded signal at 10 Hz, linear between rows; rows that are not finite are left out.

    Args:
        time_s: (N,) rising, in s.
        values: (N,).

    Raises:
        LogError: fewer than two usable rows, or time that does not rise.
    """
    usable = np.isfinite(time_s) & np.isfinite(values)
    time_s, values = time_s[usable], values[usable]
    if time_s.size < 2:
        raise LogError(f"{time_s.size} usable rows, at least 2 are needed")
    if np.diff(time_s).min() <= 0.0:
        row = int(np.diff(time_s).argmin()) + 1
        raise LogError(f"time does not rise at usable row {row}: {time_s[row]!r} s")
    ticks = np.arange(time_s[0], time_s[-1], NOMINAL_PERIOD)
    return np.interp(ticks, time_s, values)


def compare_commands(u_snn: FloatArray, u_pid: FloatArray) -> LogAgreement:
    """Compare two command sequences (K,) at 10 Hz by their 3 s moving means."""
    snn, pid = scores.moving_means(u_snn), scores.moving_means(u_pid)
    large = np.abs(pid) > SMALL_COMMAND
    difference = np.abs(snn - pid)
    return LogAgreement(
        pid.size,
        float(large.mean()),
        float(scores.correlation(snn[large], pid[large])) if large.sum() > 2 else float("nan"),
        float(difference[~large].max(initial=0.0)),
        float(difference[large].max(initial=0.0)),
    )


def log_agreement(
    network: NetworkParameters, time_s: FloatArray, altitude: FloatArray, setpoint: FloatArray
) -> LogAgreement:
    """Answers of network and PID to a recorded flight, in open loop.

    Args:
        network: to score.
        time_s: (N,) in s.
        altitude: (N,) in m, positive up; rounded to 1 cm as the range sensor would.
        setpoint: (N,) in m, positive up.

    Raises:
        LogError: the log is too short or its time does not rise.
    """
    finite = np.isfinite(altitude) & np.isfinite(setpoint)
    measured = resample(time_s[finite], altitude[finite])
    wanted = resample(time_s[finite], setpoint[finite])
    if measured.size <= scores.MEAN_WINDOW:
        raise LogError(f"{measured.size * NOMINAL_PERIOD:.1f} s of flight, more than 3 are needed")
    error = (wanted - np.rint(measured / _SENSOR_STEP) * _SENSOR_STEP)[None]
    rate = error_rates(error)
    u_pd, u_i, _ = respond(pack([network]), error, rate, INTEGRAL_RESET)
    pid_pd, pid_i = pid_responses(error, rate)
    return compare_commands((u_pd + u_i)[0, 0], (pid_pd + pid_i)[0])


def step_latency(controller: BlimpController, ticks: int = 3000) -> FloatArray:
    """Wall time of controller steps on an error that sweeps ±0.5 m; (ticks,) in s."""
    durations = np.empty(ticks)
    for tick in range(ticks):
        now = tick * NOMINAL_PERIOD
        error = 0.5 * float(np.sin(0.3 * now))
        began = time.perf_counter()
        controller.step(error, now)
        durations[tick] = time.perf_counter() - began
    return durations
