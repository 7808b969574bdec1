"""k-means clusters of the projection, and their agreement with the labels."""
