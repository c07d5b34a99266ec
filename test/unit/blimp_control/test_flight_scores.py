import numpy as np

from snn_ros.blimp_control.flight_scores import overshoots


def test_an_overshoot_ends_where_the_next_step_begins():
    setpoint = np.repeat([1.0, 2.0, 1.0], [10, 20, 50])
    assert overshoots(setpoint.copy(), setpoint).tolist() == [0.0, 0.0]
    late = np.roll(setpoint, 1)  # one tick behind its setpoint
    assert overshoots(late, setpoint).tolist() == [0.0, 0.0]


def test_an_overshoot_counts_past_the_setpoint_in_the_direction_of_the_step():
    setpoint = np.repeat([1.0, 2.0, 1.0], [10, 20, 50])
    altitude = setpoint.copy()
    altitude[15] = 2.2
    altitude[40] = 0.7
    altitude[41] = 1.9  # on the side it came from
    np.testing.assert_allclose(overshoots(altitude, setpoint), [0.2, 0.3])


def test_without_steps_there_is_no_overshoot():
    assert overshoots(np.zeros((2, 50)), np.zeros(50)).shape == (2, 0)
