"""Classifiers of the features: splits, training, scores, predictions."""
