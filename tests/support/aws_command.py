"""Checks `aws` commands in a text against botocore's models of the services."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

# Options of all commands, which no service model has.
GLOBAL = {"--query", "--output", "--region", "--profile", "--cli-input-json"}
# Commands that no service model has (awscli/customizations in aws-cli).
CUSTOM = {
    ("ecr", "get-login-password"): set(),
    ("emr-containers", "update-role-trust-policy"): {
        "--cluster-name",
        "--namespace",
        "--role-name",
        "--dry-run",
    },
    ("s3", "cp"): {"--recursive"},
}
_COMMAND = re.compile(r"(?<![\w./-])aws [a-z0-9-]+ [a-z0-9-]+[^`)|\n]*")


@dataclass(frozen=True)
class AwsCommand:
    """Service, operation, and options with their values."""

    service: str
    operation: str
    options: dict[str, list[str]]

    def __str__(self) -> str:
        return f"aws {self.service} {self.operation}"


def commands_in(page: str) -> Iterator[AwsCommand]:
    """The commands in the indented blocks and backticks of a Markdown page."""
    blocks = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    lines = [line for block in blocks for line in _joined(block).splitlines()]
    for text in [*lines, *re.findall(r"`([^`]+)`", re.sub(r"(?m)^    .*$", "", page))]:
        for command in _COMMAND.findall(_separate(" ".join(text.split()))):
            yield _parse(command)


def complaints(command: AwsCommand) -> list[str]:
    """The errors of a command according to the service model; empty for a valid command."""
    if (command.service, command.operation) in CUSTOM:
        known = CUSTOM[command.service, command.operation]
        return [f"{command}: {name}" for name in command.options if name not in known | GLOBAL]
    if command.service not in _services():
        return [f"{command}: no such service"]
    operation = _operations(command.service).get(command.operation)
    if operation is None:
        return [f"{command}: no such operation"]
    return [f"{command}: {error}" for error in _option_errors(command, operation)]


def _option_errors(command: AwsCommand, operation: Any) -> Iterator[str]:
    members = operation.input_shape.members if operation.input_shape else {}
    by_option = {f"--{xform_name(name, '-')}": name for name in members}
    yield from (name for name in command.options if name not in by_option.keys() | GLOBAL)
    if "--cli-input-json" in command.options:
        return
    given = {by_option[name] for name in command.options if name in by_option}
    required = operation.input_shape.required_members if operation.input_shape else []
    # The AWS CLI generates tokens.
    yield from (f"{name} is missing" for name in set(required) - given - {"clientToken"})
    for option, values in command.options.items():
        if option in by_option:
            yield from _value_errors(option, values, members[by_option[option]])


def _value_errors(option: str, values: list[str], shape: Any) -> Iterator[str]:
    if not values:
        yield f"{option} has no value"
    elif values[0].startswith("{"):
        report = ParamValidator().validate(json.loads(values[0]), shape)
        yield from [f"{option}: {report.generate_report()}"] if report.has_errors() else []
    elif values[0] not in shape.metadata.get("enum", values):
        yield f"{option} is {values[0]}, none of {shape.metadata['enum']}"
    elif shape.type_name == "integer" and not values[0].isdigit():
        yield f"{option} is {values[0]}, no number"
    elif shape.type_name == "structure" and "=" in values[0]:
        names = {pair.partition("=")[0] for pair in values[0].split(",")}
        yield from (f"{option}: no member {name}" for name in names - shape.members.keys())


def _joined(block: str) -> str:
    return re.sub(r"\\\n\s*", "", block)


def _separate(text: str) -> str:
    """`a $(b)` as two lines: the outer command with a placeholder, and the inner command."""
    inside = re.findall(r"\$\(([^()]*)\)", text)
    return "\n".join([re.sub(r"\$\([^()]*\)", "VALUE", text), *inside])


def _parse(text: str) -> AwsCommand:
    _, service, operation, *rest = shlex.split(text)
    options: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = [value] if value else []
        elif options:
            options[list(options)[-1]].append(word)
    return AwsCommand(service, operation, options)


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _services() -> frozenset[str]:
    return frozenset(_session().get_available_services())


@cache
def _operations(service: str) -> dict[str, Any]:
    model = _session().get_service_model(service)
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}
