"""A bucket of awkward names and contents."""

from __future__ import annotations

import unicodedata
from typing import Any

COMPOSED = unicodedata.normalize("NFC", "café.jpg")
DECOMPOSED = unicodedata.normalize("NFD", "café.jpg")

NAMES = [
    "plain/x.jpg",
    "with space/a b.jpg",
    " lead",
    "trail ",
    "percent/a%20b.jpg",
    "percent/a b.jpg",
    "%",
    "%2F.jpg",
    "quotes/q'u\"o.jpg",
    COMPOSED,
    DECOMPOSED,
    "日本/語.png",
    "ελ/ру/عر.jpg",
    "😀.gif",
    "_hidden.jpg",
    ".hidden.jpg",
    "_folder/_x.jpg",
    ".folder/y.jpg",
    "_a=b/z.jpg",
    "label=x/z.jpg",
    "label=y/z.jpg",
    "#hash.jpg",
    "question?.jpg",
    "star*.jpg",
    "[x].jpg",
    "{a}.jpg",
    "{a,b}.jpg",
    "a+b&c=d;e@f$g!h,().jpg",
    "a^b`c|d<e>~.jpg",
    "colon:a.jpg",
    "dots...",
    "tab\t.jpg",
    "new\nline.jpg",
    "carriage\rreturn.jpg",
    "control\x01.jpg",
    "delete\x7f.jpg",
    "zero\u200bwidth.jpg",
    "x" * 200 + ".jpg",
    "/".join(["deep"] * 40) + "/x.jpg",
    "noextension",
    "README.md",
    "S3Object(Key=a, LastModified=2026-01-02T03:04:05Z, ETag=",
]
EMPTY = "zero-bytes.jpg"
FOLDER_MARKER = "folder/"


def fill(client: Any, bucket: str, prefix: str = "in/") -> dict[str, bytes]:
    """Upload the objects; returns content by key for those that a listing must have."""
    contents = {f"{prefix}{name}": name.encode() for name in NAMES} | {f"{prefix}{EMPTY}": b""}
    for key, body in contents.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    client.put_object(Bucket=bucket, Key=prefix + FOLDER_MARKER, Body=b"")
    return contents
