"""Runs the job on one machine: jars, a local S3 server, `make run`."""
