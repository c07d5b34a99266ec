"""The drive of the demo: teaches the real node a street over DDS and comes back."""

import io

import numpy as np
import pytest
from support.place_routes import Street

from snn_ros.nodes.route_drive import DriveFailed, Views, teach_and_drive

STREET, METRES = Street(30), np.arange(0.0, 30.0)


def drive(tmp_path, spacing):
    parameters = tmp_path / "place_recognition.yaml"
    parameters.write_text(
        "/**:\n  ros__parameters:\n    profile: sad\n"
        f"    teaching:\n      spacing: {spacing}\n    loops:\n      exclusion: 10.0\n"
        "      cooldown: 3.0\n"
    )
    taught = Views([STREET.image(metre) for metre in METRES], METRES)
    asked = Views([STREET.image(metre, noise=0.2) for metre in METRES[5:]], METRES[5:])
    arguments = {"params_file": str(parameters)}
    return teach_and_drive(taught, asked, arguments, timeout=90.0, output=io.StringIO())


def test_a_street_taught_over_dds_is_known_on_the_second_drive(tmp_path):
    log = drive(tmp_path, spacing=1.0)
    assert [match.best for match in log.matches] == list(range(5, 30))
    assert {match.places for match in log.matches} == {30}
    assert log.matches[-1].status == "confirmed"
    assert log.loops
    assert (log.latency_ms > 0).all()


def test_images_that_were_not_taught_are_told(tmp_path):
    with pytest.raises(DriveFailed, match="15 places of 30 images were taught"):
        drive(tmp_path, spacing=2.0)
