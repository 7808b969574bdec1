"""Run on one machine: jars, a local S3 server, the sample run."""
