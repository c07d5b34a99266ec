"""Rigid motions, shared by the systems, the simulator and the ROS layer."""
