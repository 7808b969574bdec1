"""The resource usage of a run, live or from an event log, and its cost."""
