"""Classifiers on features or components: splits, training, scores, predictions."""
