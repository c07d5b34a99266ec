"""Spike activity of a network as a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from builtin_interfaces.msg import Time

from snn_ros.msg import SpikeActivity


class LayerActivity(Protocol):
    """What is said of one layer; ``snn_ros.spiking.activity.LayerActivity`` is one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def firing_rate(self) -> float: ...  # noqa: D102
    @property
    def silent_share(self) -> float: ...  # noqa: D102
    @property
    def saturated_share(self) -> float: ...  # noqa: D102


class NetworkActivity(Protocol):
    """What is said of a network; ``snn_ros.spiking.activity.NetworkActivity`` is one."""

    @property
    def layers(self) -> Sequence[LayerActivity]: ...  # noqa: D102
    @property
    def synaptic_operations(self) -> int: ...  # noqa: D102
    @property
    def macs(self) -> int: ...  # noqa: D102
    @property
    def energy_mj(self) -> float: ...  # noqa: D102


def write_spike_activity(activity: NetworkActivity, stamp: Time) -> SpikeActivity:
    """The message of what a network did for the input of that stamp."""
    message = SpikeActivity(
        layers=[layer.name for layer in activity.layers],
        firing_rates=[layer.firing_rate for layer in activity.layers],
        silent_shares=[layer.silent_share for layer in activity.layers],
        saturated_shares=[layer.saturated_share for layer in activity.layers],
        synaptic_operations=activity.synaptic_operations,
        mac_operations=activity.macs,
        energy_mj=activity.energy_mj,
    )
    message.header.stamp = stamp
    return message
