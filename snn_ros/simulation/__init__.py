"""Simulated worlds, vehicles and sensors (MuJoCo)."""
