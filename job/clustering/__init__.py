"""Clusters of the images, found without their labels, and how well they agree with these."""
