"""Spiking perception and control for ROS 2."""
