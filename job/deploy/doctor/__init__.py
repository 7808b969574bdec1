"""The checks of `doctor` that run on a client and query the cluster and AWS."""
