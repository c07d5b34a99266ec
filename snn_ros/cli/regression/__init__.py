"""The regression suite: simulated recordings through nodes over DDS, scored against bounds."""
