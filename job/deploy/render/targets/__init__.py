"""One converter per target, plain data in and out."""
