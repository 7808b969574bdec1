"""image-features: CNN features of labelled images, and their PCA, on Spark."""

__version__ = "0.1.0"
