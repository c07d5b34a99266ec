"""The published networks, to the unit: parameters, names of the state dict, and quirks."""
