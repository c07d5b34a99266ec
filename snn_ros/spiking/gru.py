"""A gated recurrent unit whose gates are spikes."""

from __future__ import annotations

from torch import Tensor, nn

from snn_ros.spiking.firing import SpikeFunction
from snn_ros.spiking.modules import Threshold


class SpikingGRUCell(nn.Module):
    """Gated recurrent unit with step functions for gates; it has no membrane over time.

        r = step(W_ir x + b_ir + W_hr h + b_hr)
        z = step(W_iz x + b_iz + W_hz h + b_hz)
        n = step(W_in x + b_in + r (W_hn h + b_hn))
        h' = (1 - z) n + z h

    The rows of both weight matrices hold r, z, n in this order. The hidden state is real only
    as far as its initial value survives.
    Source: Zhu, Wang, Gilpin and Eshraghian, arXiv 2405.19687.
    """

    def __init__(
        self, input_size: int, hidden_size: int, spike: SpikeFunction | None = None
    ) -> None:
        super().__init__()
        self.linear_ih = nn.Linear(input_size, 3 * hidden_size)
        self.linear_hh = nn.Linear(hidden_size, 3 * hidden_size)
        self.reset_gate = Threshold(spike)
        self.update_gate = Threshold(spike)
        self.new_gate = Threshold(spike)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Hidden state after one step.

        Args:
            x: (batch, input_size).
            hidden: (batch, hidden_size).
        """
        input_reset, input_update, input_new = self.linear_ih(x).chunk(3, dim=-1)
        hidden_reset, hidden_update, hidden_new = self.linear_hh(hidden).chunk(3, dim=-1)
        reset = self.reset_gate(input_reset + hidden_reset)
        update = self.update_gate(input_update + hidden_update)
        new = self.new_gate(input_new + reset * hidden_new)
        return (1.0 - update) * new + update * hidden
