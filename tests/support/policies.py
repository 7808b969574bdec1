"""IAM policies that lack one right."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def without(document: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """The policy without one action of one statement."""
    lesser = deepcopy(document)
    for statement in lesser["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"].remove(action)
    lesser["Statement"] = [each for each in lesser["Statement"] if each["Action"]]
    return lesser
