"""Renders the chart and converts it for each target."""
