"""One thing that is wrong: what, why, and the fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Words in the names of secrets, however the rest of the name is spelt.
_TELLING_WORDS = (
    r"(?:(?:acc?ess?|secret|session|private)[._-]?(?:access[._-]?)?(?:key|token)(?!Ref)"
    r"|password|oauthtoken(?!File)|authenticate\.secret)"
)
# A reference to a Secret is none: what follows it is the name of a variable.
_SECRET_KEY = re.compile(rf"(?!.*secretKeyRef).*{_TELLING_WORDS}", re.IGNORECASE)
# A user and password in a URL; AWS's access keys.
_SECRET_TEXT = re.compile(r"(?<=://)[^/@\s]+:[^/@\s]+(?=@)|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_ASSIGNED = re.compile(rf"([\w.-]*{_TELLING_WORDS}[\w.-]*=)[^\s,\]]+", re.IGNORECASE)
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
    text = str(value)
    secret = _SECRET_KEY.match(key) or _SECRET_TEXT.search(text) or _ASSIGNED.search(text)
    return bool(secret)


def _finding(severity: Severity, key: str, value: Any, why: str, fix: str) -> Finding:
    shown = _without_secrets(_text(value, key))
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + "..."
    return Finding(severity, key, shown, _without_secrets(why), fix)


def _without_secrets(text: str) -> str:
    return _ASSIGNED.sub(rf"\1{_HIDDEN}", _SECRET_TEXT.sub(_HIDDEN, text))


def _text(value: Any, key: str = "") -> str:
    """As YAML has it on one line: true, not True."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_text(each, name)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(each, key) for each in value) + "]"
    if value is None:
        return ""
    if holds_secret(key, ""):
        return _HIDDEN
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
