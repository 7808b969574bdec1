"""Submit the rendered chart, and follow what becomes of it: on a person's machine or in CI."""
