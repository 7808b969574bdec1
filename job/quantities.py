"""Parses quantities of Spark and Kubernetes: memory, CPU, time, endpoints."""

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


def parse_java_memory(text: str) -> int:
    """Bytes of a Spark memory size such as `2g` (powers of 1024); without a unit, bytes."""
    match = _match(_JAVA, text, "memory such as 2g")
    return int(int(match[1]) * 1024 ** _POWERS[match[2].lower()])


def parse_kubernetes_memory(text: str) -> int:
    """Bytes of a Kubernetes memory size such as `16Gi`."""
    match = _match(_KUBERNETES, text, "memory such as 16Gi")
    return int(float(match[1]) * 1024 ** _POWERS[match[2][0].lower()])


def parse_cpu(text: str) -> float:
    """Cores of a Kubernetes CPU quantity such as `1500m` or `1.5`."""
    match = _match(_CPU, text, "cores such as 4 or 3920m")
    return float(match[1]) / (1000 if match[2] else 1)


def parse_duration(text: str) -> float:
    """Seconds of a Spark duration such as `60s`; without a unit, seconds."""
    match = _match(_DURATION, text, "a time such as 60s")
    return int(match[1]) * _SECONDS[match[2] or "s"]


def parse_integer(text: str) -> int:
    """A non-negative integer."""
    return int(_match(_WHOLE, text, "a whole number")[0])


def parse_endpoint(text: str) -> SplitResult:
    """The URL of an S3 endpoint; https if it has no scheme. Raises InvalidValueError."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        parts.port  # noqa: B018 - the port is only validated on access
    except ValueError as problem:
        expected = "an endpoint such as https://s3.local:8333"
        raise InvalidValueError(f"{text!r} is not an endpoint", expected=expected) from problem
    return parts


def format_gibibytes(amount: float) -> str:
    """Bytes as text, in GiB."""
    return f"{amount / 1024**3:.1f} GiB"


def _match(pattern: re.Pattern[str], text: str, expected: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise InvalidValueError(f"{text!r} is not a quantity", expected=expected)
    return match
