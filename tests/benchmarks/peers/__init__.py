"""What users would pick instead of the job, on the same images: `make bench-peers`."""
