"""The images that are nearest to one image."""
