import pytest

from snn_ros.ros.health import ERROR, OK, WARN, Health, InputHealth


@pytest.fixture
def health():
    health = Health()
    health.inputs["points"] = InputHealth("/points", required=True)
    health.inputs["imu"] = InputHealth("/imu", required=False)
    health.start(100.0)
    return health


def judge(health, now, active=True):
    return health.judge(now, active, silence_limit=5.0, slow_ms=100.0)


def test_silence_counts_from_activation_and_names_the_topic(health):
    assert judge(health, 104.9) == (OK, "running")
    assert judge(health, 105.1) == (ERROR, "no data on /points")
    health.input_arrived("points", 105.2)
    assert judge(health, 110.1) == (OK, "running")


def test_an_optional_input_may_be_silent(health):
    health.input_arrived("points", 200.0)
    assert judge(health, 201.0)[0] == OK


def test_slow_processing_warns_and_a_hang_is_an_error_while_it_lasts(health):
    health.input_arrived("points", 101.0)
    health.work_begins(101.0)
    assert judge(health, 102.5) == (ERROR, "processing hangs since 1.5 s")
    assert health.work_ends(102.6) == pytest.approx(1600.0)
    assert judge(health, 102.7)[0] == WARN


def test_a_failure_is_shown_in_any_state(health):
    health.failure = "configure failed: weights = 'x': no such file"
    assert judge(health, 101.0, active=False) == (ERROR, health.failure)


def test_only_the_first_fault_of_a_kind_asks_to_be_logged(health):
    assert health.fault("BadMessage", "a")
    assert not health.fault("BadMessage", "b")
    assert health.values(101.0)["fault.BadMessage"] == "2"
    assert health.values(101.0)["last_fault"] == "b"


def test_the_rate_is_that_of_the_last_messages(health):
    for i in range(50):
        health.input_arrived("points", 101.0 + 0.1 * i)
    assert health.inputs["points"].rate() == pytest.approx(10.0)


def test_the_spread_of_processing_times_is_that_of_the_last_steps(health):
    for milliseconds in (1e9, *range(1, 21)):
        health.work_begins(101.0)
        health.work_ends(101.0 + milliseconds * 1e-3)
    values = health.values(102.0)
    assert (values["processing_p50_ms"], values["processing_p95_ms"]) == ("11.00", "19.00")
