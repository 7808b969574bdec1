"""A path on S3, however its scheme is spelt: bucket and key."""

from __future__ import annotations

import re

PATTERN = re.compile(r"s3[an]?://([^/]*)/*(.*?)/*", re.IGNORECASE)


def location(path: str) -> tuple[str, str]:
    """Bucket and key of a path on S3, without slashes at the end; empty of another path."""
    found = PATTERN.fullmatch(path)
    return (found[1], found[2]) if found else ("", "")


def is_within(path: str, folder: str) -> bool:
    """Whether a path on S3 is a folder, or beneath it."""
    (bucket, key), (folder_bucket, folder_key) = location(path), location(folder)
    beneath = not folder_key or f"{key}/".startswith(f"{folder_key}/")
    return bool(bucket) and bucket == folder_bucket and beneath
