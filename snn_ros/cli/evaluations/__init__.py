"""What ``snn-ros evaluate`` does, system by system."""
