"""A finding: what is wrong, why, and the fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Words in the names of secrets.
_KEY_WORDS = (
    r"(?:(?:acc?ess?|secret|session|private)[._-]?(?:access[._-]?)?(?:key|token)(?!Ref)"
    r"|password|oauthtoken(?!File)|authenticate\.secret)"
)
# secretKeyRef is a reference, not a secret: a variable name follows it.
_SECRET_KEY = re.compile(rf"(?!.*secretKeyRef).*{_KEY_WORDS}", re.IGNORECASE)
# User and password in a URL; access keys of AWS.
_SECRET_VALUE = re.compile(r"(?<=://)[^/@\s]+:[^/@\s]+(?=@)|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_ASSIGNED = re.compile(rf"([\w.-]*{_KEY_WORDS}[\w.-]*=)[^\s,\]]+", re.IGNORECASE)
_HIDDEN = "(hidden)"
_MAX_VALUE_LENGTH = 120


class Severity(StrEnum):
    """An error fails the run, or a value has no effect. A warning is a cost or a risk."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """`key` is a path in the values, `value` its value as text: shortened, secrets masked."""

    severity: Severity
    key: str
    value: str
    why: str
    fix: str
    check: str = ""


def error(key: str, value: Any, why: str, fix: str) -> Finding:
    """A finding that fails the run, or a value without effect."""
    return _finding(Severity.ERROR, key, value, why, fix)


def warning(key: str, value: Any, why: str, fix: str) -> Finding:
    """A finding that costs money or time, or is a risk."""
    return _finding(Severity.WARNING, key, value, why, fix)


def is_secret(key: str, value: Any) -> bool:
    """Whether a value is a secret, by its key or by its form."""
    text = str(value)
    secret = _SECRET_KEY.match(key) or _SECRET_VALUE.search(text) or _ASSIGNED.search(text)
    return bool(secret)


def _finding(severity: Severity, key: str, value: Any, why: str, fix: str) -> Finding:
    text = _mask_secrets(_text(value, key))
    if len(text) > _MAX_VALUE_LENGTH:
        text = text[:_MAX_VALUE_LENGTH] + "..."
    return Finding(severity, key, text, _mask_secrets(why), fix)


def _mask_secrets(text: str) -> str:
    return _ASSIGNED.sub(rf"\1{_HIDDEN}", _SECRET_VALUE.sub(_HIDDEN, text))


def _text(value: Any, key: str = "") -> str:
    """The value as YAML on one line: true, not True."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_text(item, name)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(item, key) for item in value) + "]"
    if value is None:
        return ""
    if is_secret(key, ""):
        return _HIDDEN
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
