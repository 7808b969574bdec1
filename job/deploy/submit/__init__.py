"""Submits the rendered chart and watches the run."""
