"""The published network, to the unit: parameters, names of the state dict, and quirks."""
