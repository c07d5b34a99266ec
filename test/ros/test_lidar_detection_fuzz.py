"""Clouds in which anything may be wrong are refused by name, or answered where points are."""

from hypothesis import HealthCheck, given, settings
from support.lidar_fuzz import check, clouds, recorded_node
from support.lidar_weights import untrained

EXAMPLES = 60


def test_any_cloud_is_refused_by_name_or_answered_where_its_points_are(ros_domain, tmp_path):
    kinds = set()
    with recorded_node(ros_domain, untrained(tmp_path)) as node:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(clouds())
        def fuzzed(message):
            kinds.add(min(check(node, message), 1))

        fuzzed()
    assert kinds == {-1, 0, 1}  # refusals, no boxes, boxes
