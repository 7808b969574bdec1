"""The HTML report: its data, sections and figures; and the same figures for notebooks."""
