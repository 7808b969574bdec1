"""Outputs side by side: read, table, page."""
