"""The controller as its users call it."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from snn_ros.blimp_control import BlimpController, ControllerConfig
from snn_ros.blimp_control.model import SpikingNetwork
from snn_ros.configuration import ConfigurationError


def run(controller, errors, start=0.0):
    return [controller.step(e, start + 0.1 * tick) for tick, e in enumerate(errors)]


def test_terms_add_up_and_the_command_is_clamped(edge_network):
    steps = run(BlimpController(edge_network), [1.5] * 60)
    for step in steps:
        assert step.u_snn == step.u_pd + step.u_i
        assert step.u == min(max(step.u_snn, -10.0), 10.0)
        assert step.saturated == (step.u != step.u_snn)
        assert 0 <= step.spikes <= 120
    assert steps[-1].saturated


def test_errors_are_clamped_before_the_encoder(edge_network):
    far = run(BlimpController(edge_network), [50.0] * 20)
    near = run(BlimpController(edge_network), [1.5] * 20)
    assert far == near


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_an_error_that_is_no_number_is_refused(edge_network, bad):
    with pytest.raises(ValueError, match=str(bad)):
        BlimpController(edge_network).step(bad, 0.0)


def test_a_saved_state_gives_the_same_commands_again(edge_network):
    controller = BlimpController(edge_network)
    random = np.random.default_rng(1)
    run(controller, 0.2 * random.standard_normal(80))
    state = controller.get_state()
    errors = 0.2 * random.standard_normal(40)
    once = [s.u_snn for s in run(controller, errors, 8.0)]
    other = BlimpController(edge_network)
    run(other, [0.0], 7.9)
    other.set_state(state)
    assert [s.u_snn for s in run(other, errors, 8.0)] == once


def test_reset_makes_it_new(edge_network):
    controller = BlimpController(edge_network)
    first = run(controller, [0.3] * 30)
    controller.reset()
    assert run(controller, [0.3] * 30) == first


def test_reset_integral_spares_the_rest(edge_network):
    controller = BlimpController(edge_network)
    carried = run(controller, [0.1] * 150)[-1].u_i
    controller.reset_integral()
    after = run(controller, [0.0] * 30, 15.0)
    assert carried > 0.8
    assert abs(np.mean([s.u_i for s in after])) < 0.05


def test_a_setpoint_step_gives_no_kick_and_a_pause_no_rate(edge_network):
    smooth = run(BlimpController(edge_network), [0.0] * 10 + [0.5])[-1]
    assert abs(smooth.u_pid) == pytest.approx(4.5, abs=0.1)
    controller = BlimpController(edge_network)
    run(controller, [0.0] * 10)
    late = controller.step(0.2, 5.0)
    assert late.u_pid == pytest.approx(1.8, abs=0.05)


def test_anti_windup_keeps_the_integral_small_while_the_command_is_clipped(edge_network):
    carried = {}
    for method in ("none", "conditional", "back_calculation"):
        controller = BlimpController(edge_network, ControllerConfig(anti_windup=method))
        carried[method] = run(controller, [1.5] * 200)[-1].u_i
    assert carried["none"] > 4.0
    assert carried["conditional"] < 1.0
    assert carried["back_calculation"] < carried["none"]


class Broken:
    """A network that answers whatever it is told to."""

    def __init__(self, network, u):
        self._network, self.u_pd, self.u_i = network, u, 0.0

    def __getattr__(self, name):
        return getattr(self._network, name)


@pytest.mark.parametrize("u", [math.nan, 9.0])
def test_the_pid_takes_over_from_a_broken_network_without_a_bump(edge_network, u):
    controller = BlimpController(edge_network)
    healthy = run(controller, [0.1] * 60)
    controller.network = Broken(SpikingNetwork(edge_network), u)
    steps = run(controller, [0.1] * 120, 6.0)
    switch = next(i for i, s in enumerate(steps) if s.controller == "pid")
    before = steps[switch - 1].u if switch else healthy[-1].u
    assert steps[switch].u == pytest.approx(before, abs=0.01)
    assert steps[switch].fault
    assert (switch == 0) == math.isnan(u)
    assert all(math.isfinite(s.u) for s in steps)
    assert steps[-1].u == pytest.approx(steps[-1].u_pid, abs=0.1)
    assert {s.controller for s in steps[switch:]} == {"pid"}


def test_the_fallback_can_be_switched_off(edge_network):
    controller = BlimpController(edge_network, ControllerConfig(fallback=False))
    controller.network = Broken(SpikingNetwork(edge_network), 9.0)
    assert {s.controller for s in run(controller, [0.1] * 120)} == {"snn"}


def test_the_pid_can_drive_alone(edge_network):
    steps = run(BlimpController(edge_network, ControllerConfig(controller="pid")), [0.1] * 20)
    assert all(s.u == s.u_pid and s.controller == "pid" for s in steps)


def test_spike_activity_counts_since_the_last_call(edge_network):
    controller = BlimpController(edge_network)
    steps = run(controller, [0.05] * 50)
    activity = controller.spike_activity()
    assert [layer.name for layer in activity.layers] == ["encoder", "fast", "slow"]
    assert [layer.neurons for layer in activity.layers] == [40, 40, 40]
    assert sum(layer.spikes for layer in activity.layers) == sum(s.spikes for s in steps)
    assert 0.05 < activity.firing_rate < 0.5
    assert activity.synaptic_operations > 0
    assert activity.energy_mj > 0.0
    assert controller.spike_activity().synaptic_operations == 0


def test_synaptic_operations_of_one_spike_by_hand(edge_network):
    controller = BlimpController(replace(edge_network, fast=edge_network.fast))
    controller.network._encoder_counts[38] = 1.0  # a staged pair: one fast pair listens
    controller.network._hidden_counts[3] = 1.0
    assert controller.spike_activity().synaptic_operations == 2 + 1
    controller.network._encoder_counts[0] = 1.0  # an integrator pair: one fast, five slow pairs
    assert controller.spike_activity().synaptic_operations == 2 + 5 * 2 * 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"profile": "other"}, "profile = 'other'"),
        ({"device": "cuda"}, "device = 'cuda'"),
        ({"profile": "x", "device": "y"}, "profile = 'x'.*device = 'y'"),
        ({"config": ControllerConfig(backend="c")}, "backend = 'c'"),
    ],
)
def test_wrong_configurations_are_named(arguments, text):
    with pytest.raises(ConfigurationError, match=text):
        BlimpController.from_config(**arguments)


def test_flying_needs_neither_numba_nor_torch():
    program = (
        "import sys; from snn_ros.blimp_control import BlimpController, BlimpSupervisor;"
        "BlimpSupervisor(BlimpController.from_config());"
        "print([m for m in ('numba', 'torch', 'cma', 'rclpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("backend", ["numpy", "int32"])
def test_a_step_holds_plain_numbers(edge_network, backend):
    """The C side of a ROS message ends the process when it is given a NumPy integer."""
    controller = BlimpController(edge_network, ControllerConfig(backend=backend))
    for step in run(controller, np.linspace(-1.0, 1.0, 5).tolist()):
        kinds = {type(value) for value in vars(step).values()}
        assert kinds <= {float, int, bool, str, type(None)}, step
