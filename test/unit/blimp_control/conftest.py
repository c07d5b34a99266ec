"""Networks and flights the tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.vertical_flight import VerticalFlight

from snn_ros.blimp_control import BlimpController, BlimpSupervisor, SupervisorConfig, weights
from snn_ros.blimp_control.genome import GENOMES
from snn_ros.blimp_control.parameters import NetworkParameters


@pytest.fixture(scope="session")
def start_network() -> NetworkParameters:
    """The constructive start of the edge profile: works, depends on no weight file."""
    genome = GENOMES["edge"]()
    return genome.decode(genome.start())


@pytest.fixture(scope="session")
def edge_network() -> NetworkParameters:
    """The published weights of the edge profile."""
    return weights.load(weights.default_path("edge"), "edge")[0]


@pytest.fixture
def make_flight(edge_network: NetworkParameters) -> Callable[..., VerticalFlight]:
    """Builds a flight of the published edge network, already hovering unless told otherwise."""

    def make(*, hover: float = 10.0, config: SupervisorConfig | None = None, **world: Any):
        supervisor = BlimpSupervisor(BlimpController(edge_network), config)
        flight = VerticalFlight(supervisor, **world)
        supervisor.activate(flight.clock)
        flight.fly(hover)
        return flight

    return make
