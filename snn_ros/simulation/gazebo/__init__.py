"""Our scenarios as worlds for Gazebo Harmonic: SDF, bridge and frames. Gazebo is not needed."""
