"""The nearest neighbours of one image."""
