"""Training that starts from a seed, can be stopped at any step, and goes on exactly."""
