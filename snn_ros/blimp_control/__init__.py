"""Altitude control of a blimp with spiking networks that mimic a PID."""
