"""Everything that runs on a laptop or in CI: no Spark."""
