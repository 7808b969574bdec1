"""Tests, laid out as the job is; benchmarks measure."""
