"""Checks of values and of what they render."""
