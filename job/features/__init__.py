"""Backbones and the TensorFlow graph that turns RGB batches into features."""
