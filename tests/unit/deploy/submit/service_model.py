"""Validates requests with botocore's model of EMR, including limits that botocore ignores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


def complaints(operation: str, request: dict[str, Any]) -> list[str]:
    """The violations of a request."""
    model = botocore.session.get_session().get_service_model("emr-containers")
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    return (
        [report.generate_report()] if report.has_errors() else [*_limits(shape, request, operation)]
    )


def _limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    rules = shape.metadata
    size = value if isinstance(value, int) else len(value)
    if not rules.get("min", size) <= size <= rules.get("max", size):
        yield f"{where}: size {size}, allowed {rules.get('min')} to {rules.get('max')}"
    if shape.type_name == "string" and not re.fullmatch(rules.get("pattern", ".*"), value, re.S):
        yield f"{where}: {value!r} is not of the form {rules['pattern']}"
    if value not in rules.get("enum", [value]):
        yield f"{where}: {value!r} is none of {rules['enum']}"
    for part, below, name in _parts(shape, value):
        yield from _limits(part, below, f"{where}.{name}")


def _parts(shape: Any, value: Any) -> Iterator[tuple[Any, Any, str]]:
    """The parts of a value, each with its shape and name."""
    if shape.type_name == "structure":
        yield from ((shape.members[key], item, key) for key, item in value.items())
    elif shape.type_name == "list":
        yield from ((shape.member, item, str(number)) for number, item in enumerate(value))
    elif shape.type_name == "map":
        yield from ((shape.key, key, "key") for key in value)
        yield from ((shape.value, item, key) for key, item in value.items())
