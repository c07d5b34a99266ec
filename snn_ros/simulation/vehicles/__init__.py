"""Vehicles: their parameters, their bodies in a MuJoCo model, and the forces on them."""
