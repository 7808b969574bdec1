"""Submit the rendered chart: runs on a person's machine or in CI."""
