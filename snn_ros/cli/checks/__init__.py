"""What ``snn-ros doctor`` looks at, one module per part of the machine."""
