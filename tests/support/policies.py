"""IAM policies without one action."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def without(document: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """The policy without one action of one statement."""
    reduced = deepcopy(document)
    for statement in reduced["Statement"]:
        if statement["Sid"] == sid:
            statement["Action"].remove(action)
    statements = reduced["Statement"]
    reduced["Statement"] = [statement for statement in statements if statement["Action"]]
    return reduced
