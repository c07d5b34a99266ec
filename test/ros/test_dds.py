"""The DDS profile carries what it is for."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from snn_ros.ros import dds, dds_link
from snn_ros.ros.dds_link import Traffic

NAMESPACE = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"


def test_8_mb_best_effort_at_10_hz_all_arrive() -> None:
    traffic = Traffic(size=8_000_000, count=20)
    delivery = dds_link.measure(traffic, dds.settings({}), dds.settings({}))
    assert delivery.complete, delivery


def test_the_documented_sizes_are_those_of_the_profile() -> None:
    assert dds.profile() == Path(dds.settings({})["FASTRTPS_DEFAULT_PROFILES_FILE"])
    root = ElementTree.parse(dds.profile()).getroot()

    def numbers(tag: str) -> list[int]:
        return [int(element.text) for element in root.iter(NAMESPACE + tag)]

    assert numbers("segment_size") == [dds.SEGMENT_BYTES]
    assert numbers("receiveBufferSize") == numbers("sendBufferSize") == [dds.SOCKET_BUFFER_BYTES]


def test_a_measurement_that_fails_says_so() -> None:
    traffic = Traffic(count=1)
    program = dds_link.start("send", traffic, {})
    program.kill()
    with pytest.raises(dds_link.LinkError, match="exit code -9"):
        dds_link.result(program, traffic)
