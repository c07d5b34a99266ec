"""Spiking neurons, encoders, surrogate gradients and activity metering."""
