"""Between ROS messages and plain arrays, one module per family of messages.

``read_*`` takes an inbound message, validates it before anything else, and returns arrays or a
frozen dataclass; what must not be used raises a ``BadMessage`` whose text names the field and the
value. ``write_*`` makes a message. Arrays that numpy can view in the message's own memory are
read-only views; nothing is allocated by the sizes a message claims before its data is found there.
"""
