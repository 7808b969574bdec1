"""Outputs that Spark 4.0 and the Spark of the image share; `make test-spark-4.0`."""
