"""Parses S3 URIs of any scheme (s3, s3a, s3n) into bucket and key."""

from __future__ import annotations

import re
from collections.abc import Iterable

S3_URI = re.compile(r"s3[an]?://([^/]*)/*(.*?)/*", re.IGNORECASE)


def parse_s3_uri(path: str) -> tuple[str, str]:
    """(bucket, key) of an S3 URI, without trailing slashes; empty for any other path."""
    match = S3_URI.fullmatch(path)
    return (match[1], match[2]) if match else ("", "")


def buckets(paths: Iterable[str]) -> list[str]:
    """The distinct buckets of the S3 paths among `paths`, in order."""
    return list(dict.fromkeys(filter(None, (parse_s3_uri(path)[0] for path in paths))))
