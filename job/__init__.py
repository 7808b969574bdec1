"""image-features: CNN features of labelled images, and a PCA of them, on Spark."""

__version__ = "0.1.0"
