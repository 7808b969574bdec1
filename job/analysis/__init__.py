"""Analyses of a finished output: classifiers, clusters, neighbours, cost."""
