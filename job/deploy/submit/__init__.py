"""Submit the rendered chart and watch the run."""
