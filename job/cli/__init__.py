"""The command line: one module per group of commands; no logic."""

from job.cli.root import main

__all__ = ["main"]
