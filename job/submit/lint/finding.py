"""One thing that is wrong: what, why, and the fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Keys whose values are secrets, however misspelt the rest of the key is.
_SECRET_KEY = re.compile(
    r"^(?!.*secretKeyRef).*((acc?ess?|secret|session|private)[._-]?(access[._-]?)?(key|token)"
    r"|password|oauthtoken$|authenticate\.secret$)",
    re.IGNORECASE,
)
# AWS's access keys; a user and password in a URL.
_SECRET_TEXT = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|(?<=://)[^/@\s]+:[^/@\s]+(?=@)")
_HIDDEN = "(hidden)"
_LONGEST_VALUE = 120


class Severity(StrEnum):
    """An error fails the run, or a value does not do what it says; a warning costs or risks."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """`key` is a path in the values, `value` what is shown of what it has there; no secret."""

    severity: Severity
    key: str
    value: str
    why: str
    fix: str
    check: str = ""


def error(key: str, value: Any, why: str, fix: str) -> Finding:
    """A finding for which the run fails, or a value does not do what it says."""
    return _finding(Severity.ERROR, key, value, why, fix)


def warning(key: str, value: Any, why: str, fix: str) -> Finding:
    """A finding that a run survives, at a cost or a risk."""
    return _finding(Severity.WARNING, key, value, why, fix)


def holds_secret(key: str, value: Any) -> bool:
    """Whether a value is a secret, by its key or by what it looks like."""
    if value in ("", None):
        return False
    return bool(_SECRET_KEY.search(key) or _SECRET_TEXT.search(str(value)))


def _finding(severity: Severity, key: str, value: Any, why: str, fix: str) -> Finding:
    shown = _HIDDEN if _SECRET_KEY.search(key) else _without_secrets(_text(value))
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + "..."
    return Finding(severity, key, shown, _without_secrets(why), fix)


def _without_secrets(text: str) -> str:
    return _SECRET_TEXT.sub(_HIDDEN, text)


def _text(value: Any) -> str:
    """As YAML has it: true, not True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value)
