"""The Spark session, retries, progress and files that all other folders use."""
