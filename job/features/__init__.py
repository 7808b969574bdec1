"""Backbones, weights, the network and the worker function."""
