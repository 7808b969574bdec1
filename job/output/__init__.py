"""Everything that a run leaves under its output path."""
