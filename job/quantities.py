"""Amounts as Spark and Kubernetes write them, as numbers."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from job.errors import InvalidValueError

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_JAVA = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
_KUBERNETES = re.compile(r"(\d+(?:\.\d+)?)([KMGT]i)")
_CPU = re.compile(r"(\d+(?:\.\d+)?)(m?)")
_DURATION = re.compile(r"(\d+)(us|ms|s|m|min|h|d)?")
_SECONDS = {"us": 1e-6, "ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_WHOLE = re.compile(r"\d+")
MEBIBYTE = 1024**2


def java_bytes(text: str) -> int:
    """`2g` of Spark, in bytes: powers of 1024; without a letter bytes."""
    found = _must_match(_JAVA, text, "memory such as 2g")
    return int(int(found[1]) * 1024 ** _POWERS[found[2].lower()])


def kubernetes_bytes(text: str) -> int:
    """`16Gi` of Kubernetes, in bytes."""
    found = _must_match(_KUBERNETES, text, "memory such as 16Gi")
    return int(float(found[1]) * 1024 ** _POWERS[found[2][0].lower()])


def cpu(text: str) -> float:
    """`1500m` or `1.5` of Kubernetes, in cores."""
    found = _must_match(_CPU, text, "cores such as 4 or 3920m")
    return float(found[1]) / (1000 if found[2] else 1)


def seconds(text: str) -> float:
    """A time of Spark's, without a unit in seconds."""
    found = _must_match(_DURATION, text, "a time such as 60s")
    return int(found[1]) * _SECONDS[found[2] or "s"]


def whole(text: str) -> int:
    """A whole number."""
    return int(_must_match(_WHOLE, text, "a whole number")[0])


def address(text: str) -> SplitResult:
    """The address of an S3, with or without a scheme; without one it is https."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        parts.port  # noqa: B018 - it is read only when it is asked for
    except ValueError as problem:
        expected = "an address such as https://s3.local:8333"
        raise InvalidValueError(f"{text!r} is no address", expected=expected) from problem
    return parts


def gibibytes(amount: float) -> str:
    """Bytes as a person reads them."""
    return f"{amount / 1024**3:.1f} GiB"


def _must_match(pattern: re.Pattern[str], text: str, expected: str) -> re.Match[str]:
    found = pattern.fullmatch(text.strip())
    if found is None:
        raise InvalidValueError(f"{text!r} is no amount", expected=expected)
    return found
