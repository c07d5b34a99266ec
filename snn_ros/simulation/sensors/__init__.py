"""Sensor models: true quantities in, readings with the flaws of real sensors out."""
