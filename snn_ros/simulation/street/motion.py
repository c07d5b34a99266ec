"""The ego's motion within one period, for sensors that sample faster than the drive steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snn_ros.simulation.street.ego import EgoState


@dataclass(frozen=True)
class MotionSample:
    """Motion of ``base_link`` at the end of one of the equal parts of a period.

    Attributes:
        time: of its end, in s.
        duration: of the part in s.
        yaw: at its end, in rad.
        speed: at its end, in m/s.
        mean_speed: in it, in m/s.
        acceleration: at its end, in m/s².
        curvature: of the way, in 1/m; the same in the whole period.
        steering: angle of the front wheels at its end, in rad.
    """

    time: float
    duration: float
    yaw: float
    speed: float
    mean_speed: float
    acceleration: float
    curvature: float
    steering: float

    @property
    def yaw_rate(self) -> float:
        """At the end of the part, in rad/s."""
        return self.speed * self.curvature


def sub_steps(
    before: EgoState, after: EgoState, begin: float, end: float, count: int
) -> list[MotionSample]:
    """Cut a period into parts that add up to it exactly.

    As in ``ego.step`` the way is an arc, and speed, acceleration and steering change linearly.

    Args:
        before: state at the beginning.
        after: state at the end.
        begin: time in s.
        end: time in s.
        count: number of parts.
    """
    duration = (end - begin) / count
    distance = 0.5 * (before.speed + after.speed) * (end - begin)
    turn = math.remainder(after.yaw - before.yaw, 2.0 * math.pi)
    curvature = turn / distance if distance > 1e-9 else 0.0
    yaw, samples = before.yaw, []
    for i in range(1, count + 1):
        share, last = i / count, (i - 1) / count
        mean_speed = before.speed + 0.5 * (share + last) * (after.speed - before.speed)
        yaw += mean_speed * duration * curvature
        samples.append(
            MotionSample(
                time=begin + share * (end - begin),
                duration=duration,
                yaw=yaw,
                speed=_between(before.speed, after.speed, share),
                mean_speed=mean_speed,
                acceleration=_between(before.acceleration, after.acceleration, share),
                curvature=curvature,
                steering=_between(before.steering, after.steering, share),
            )
        )
    return samples


def _between(start: float, end: float, share: float) -> float:
    return start + share * (end - start)
