"""Outputs side by side: speed, variance curve, accuracy, size."""
