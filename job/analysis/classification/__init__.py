"""Classifiers on the features: splits, training, scores, predictions."""
