"""What is computed from a finished output: classifiers, clusters, neighbours, cost."""
