"""The checks of `doctor` that run in a pod, with the Spark, storage and network of the run."""
