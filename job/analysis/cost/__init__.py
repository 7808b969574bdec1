"""What a run used, live or from an event log, and what that costs."""
