"""Sparse voxels: coding points, rulebooks, and convolutions that visit occupied sites alone."""
