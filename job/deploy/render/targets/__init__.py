"""One converter for each target: plain data in, plain data out."""
