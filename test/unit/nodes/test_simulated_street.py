"""A drive as a world: paths in, messages out."""

import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path

from snn_ros.nodes.simulated_street import SimulatedStreet
from snn_ros.nodes.simulated_world import CLOCK
from snn_ros.ros.conversions.stamps import from_seconds, write_header
from snn_ros.simulation.street.scenario import street_scenario

BLOCKED = {
    "seed": 3,
    "duration": 6.0,
    "layout": {"length": 120.0},
    "ego": {"position": 20.0, "speed": 6.0},
    "events": [{"kind": "blocked_lane", "distance": 25.0}],
    "sensors": {"lidar": "none"},
}


@pytest.fixture
def blocked() -> SimulatedStreet:
    """A car stands 21.4 m ahead of the ego."""
    return SimulatedStreet(street_scenario(BLOCKED, "blocked"), path_timeout=1.0)


def straight_on(stamp_ns: int) -> Path:
    """From where the ego is at that time at 6 m/s, for 3 s."""
    message = Path(header=write_header(stamp_ns, "base_link"))
    for i in range(7):
        pose = PoseStamped(header=write_header(stamp_ns + from_seconds(0.5 * i), "base_link"))
        pose.pose.position.x = 3.0 * i
        message.poses.append(pose)
    return message


def test_a_path_into_a_stopped_car_hits_it_and_that_is_said(blocked):
    assert blocked.receive(straight_on(0)) == 0
    while not blocked.finished:
        stamp_ns = blocked.advance()[-1].stamp_ns
        assert blocked.receive(straight_on(stamp_ns)) == stamp_ns
        assert blocked.warning == ""
    assert blocked.outcome() == "the ego hit: sedan 0 at 3.6 s"
    assert blocked.notes()["ego.collisions"] == "1"


def test_without_paths_the_ego_brakes_to_a_stand(blocked):
    while not blocked.finished:
        blocked.advance()
    assert blocked.notes() == {
        "ego.speed_mps": "0.00",
        "ego.collisions": "0",
        "path.stamp_age_s": "never",
    }
    assert blocked.warning == "no path yet: the ego brakes"
    assert blocked.outcome() == "the ego hit: nothing"


def test_when_the_paths_end_the_ego_stops(blocked):
    blocked.receive(straight_on(0))
    warned_at = None
    while not blocked.finished:
        blocked.advance()
        if blocked.warning and warned_at is None:
            warned_at = blocked.time
    assert warned_at == pytest.approx(1.1)
    assert blocked.notes()["ego.speed_mps"] == "0.00"
    assert blocked.outcome() == "the ego hit: nothing"


def test_on_its_route_it_takes_no_paths_and_stops_by_itself():
    street = SimulatedStreet(street_scenario(BLOCKED, "blocked"), path_timeout=None)
    assert street.input is None
    while not street.finished:
        found = street.advance()
        assert found[-1].topic == CLOCK
        assert found[-1].stamp_ns == from_seconds(street.time)
        assert street.warning == ""
    assert street.outcome() == "the ego hit: nothing"


def test_everything_that_is_said_has_a_topic_of_its_type(blocked):
    types = {topic.name: topic.type for topic in blocked.topics}
    for stamped in (*blocked.static_messages(), *blocked.advance()):
        assert type(stamped.message) is types[stamped.topic]
