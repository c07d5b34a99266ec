"""Scores of what systems found against what is there."""
