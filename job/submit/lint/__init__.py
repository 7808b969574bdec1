"""What is wrong with values before anything starts: checks of values and what they render."""
