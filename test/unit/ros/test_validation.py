import pytest

from snn_ros.ros.conversions.validation import (
    BadMessage,
    BadSize,
    BadValue,
    finite,
    unit_quaternion,
)


def test_an_error_names_the_field_and_shortens_a_long_value():
    err = BadMessage("data", list(range(1000)), "too long")
    assert err.field == "data"
    assert str(err).startswith("data: [0, 1, ")
    assert str(err).endswith(": too long")
    assert len(str(err)) < 100


def test_another_count_of_numbers_is_refused():
    with pytest.raises(BadSize, match="k: 8: expected 9 numbers"):
        finite("k", range(8), (3, 3))


@pytest.mark.parametrize(
    ("norm", "good"), [(0.995, True), (1.005, True), (0.98, False), (1.02, False)]
)
def test_a_quaternion_may_be_rounded_but_not_wrong(norm, good):
    if good:
        assert unit_quaternion("q", (0, 0, 0, norm)).tolist() == [0, 0, 0, 1]
    else:
        with pytest.raises(BadValue, match="q: .*norm"):
            unit_quaternion("q", (0, 0, 0, norm))
