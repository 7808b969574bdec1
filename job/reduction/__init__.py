"""Moments, scaler and PCA, the saved bundle, projection, drift."""
