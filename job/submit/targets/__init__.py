"""The rendered chart as each target takes it: one converter a target, plain data in and out."""
