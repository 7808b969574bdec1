"""From where a person is: what the cluster, its operator and AWS answer; imports no Spark."""
