"""Backbones, weights, the network and the function that runs on workers."""
