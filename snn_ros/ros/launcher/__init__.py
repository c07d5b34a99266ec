"""Starts the nodes of ROS's declarative XML launch files on a machine without ``ros2 launch``.

``grammar`` says what a file may hold, ``parser`` works it out into plain data, ``process`` runs
one node, ``lifecycle`` waits until nodes are active, and ``run`` ties them together in
``LaunchSession``.
"""
