"""The checks of `doctor` that ask the cluster and AWS from a client."""
