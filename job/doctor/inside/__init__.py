"""Inside a pod, as the driver would be: Spark, credentials, storage and the network's weights."""
