"""What would stop a run, looked for before it starts: on the cluster, and inside a pod of it."""
