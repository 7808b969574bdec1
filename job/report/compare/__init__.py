"""Compares outputs: reads them, and shows them as a table, JSON or a page."""
