"""One machine: jars, a local S3 server, the run of `make run`."""
