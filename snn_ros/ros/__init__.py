"""The ROS layer shared by all nodes: node base, parameters, conversions, launcher."""
