"""The HTML report, its sections and figures, and the same figures in a notebook."""
