"""Spark session, retries, progress and files; all other folders use them."""
