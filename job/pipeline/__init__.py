"""The order of the steps: what each command does, from its config to its summary."""
