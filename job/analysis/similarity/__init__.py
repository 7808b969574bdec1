"""Finds the nearest neighbours of an image."""
