"""Streets: places, traffic, the ego vehicle, their looks and their ground truth."""
