"""Findings for violations of the chart's schema: the value, what is expected, and the fix."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from job import resources
from job.deploy.lint.context import conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import HADOOP, find_similar, known_settings
from job.deploy.render.schema_errors import SchemaViolation

Path = tuple[str, ...]
Schema = Mapping[str, Any]

SCHEMA_VIOLATION = "schema-violation"
SCHEMA_VIOLATION_DOC = (
    "A value that violates the chart's schema: unknown key, wrong type or form, rejected setting."
)
_UNKNOWN_KEYS = re.compile(r"additional properties (.*) not allowed")
_WRONG_KEY = re.compile(r"invalid propertyName '(.*)'")
_MISSING_KEYS = re.compile(r"missing propert(?:y|ies) (.*)")
_QUOTED = re.compile(r"'([^']*)'")
_OTHER_MEMORY_UNITS = re.compile(r"(\d+)([KMGTkmgt])(i?[Bb]?)")
# Lower than for settings: keys of the chart are short words.
_CUTOFF = 0.7

_OPERATOR = "the operator sets it, and rejects a run that sets it too"
_CHART_VALUE = "the chart has a value for it"
_IMAGE = ("the operator rejects it: the application names the image", "set image.repository")
_TOKEN = ("the operator rejects it: it already has access to the cluster", "leave it out")
_KEYS = ("anyone who may read a SparkApplication can read it", "set s3.credentials")
_REJECTED_SETTINGS = {
    "spark.app.name": ("a run is named <release>-<runId>", "set runId"),
    "spark.executor.decommission.enabled": (
        "Spark has no such setting, although it is often copied: it has no effect",
        "set decommission.enabled: true",
    ),
    "spark.kubernetes.driver.master": (_OPERATOR, "leave it out"),
    "spark.kubernetes.namespace": (_OPERATOR, "leave it out; --namespace sets it"),
    "spark.master": (_OPERATOR, "leave it out"),
    "spark.submit.deployMode": (_OPERATOR, "leave it out"),
    **{
        f"spark.{role}.{name}": (_CHART_VALUE, f"set {role}.{name}")
        for role in ("driver", "executor")
        for name in ("cores", "instances", "memory", "memoryOverhead")
    },
    **{
        f"spark.kubernetes.{prefix}container.image": _IMAGE
        for prefix in ("", "driver.", "executor.")
    },
    **{
        f"spark.kubernetes.authenticate.{role}.serviceAccountName": (
            "the operator rejects it: the application names the service account",
            f"set serviceAccounts.{role}.name",
        )
        for role in ("driver", "executor")
    },
    **{
        f"spark.kubernetes.authenticate.{prefix}oauthToken{file}": _TOKEN
        for prefix in ("", "driver.", "executor.")
        for file in ("", "File")
    },
    **{f"{HADOOP}fs.s3a.{name}": _KEYS for name in ("access.key", "secret.key", "session.token")},
}


def schema_findings(
    violations: Sequence[SchemaViolation], values: Mapping[str, Any]
) -> list[tuple[Path, Finding]]:
    """(path to remove, finding) of each violation, sorted by key."""
    findings = [pair for violation in violations for pair in _to_findings(violation, values)]
    return sorted(findings, key=lambda pair: pair[1].key)


def _to_findings(
    violation: SchemaViolation, values: Mapping[str, Any]
) -> Iterator[tuple[Path, Finding]]:
    path, text = violation.path, violation.text
    if unknown := _UNKNOWN_KEYS.fullmatch(text):
        for key in _QUOTED.findall(unknown[1]):
            yield _path_to_list((*path, key)), _unknown_key((*path, key), values)
    elif rejected := _WRONG_KEY.fullmatch(text):
        setting = rejected[1]
        yield ("sparkConf", setting), _rejected_setting(setting, values["sparkConf"][setting])
    elif missing := _MISSING_KEYS.fullmatch(text):
        keys = ", ".join(_QUOTED.findall(missing[1]))
        finding = error(".".join(path), _at(values, path), f"it lacks {keys}", f"add {keys}")
        yield _path_to_list(path), finding
    else:
        yield _path_to_list(path), _wrong_value(path, values, text)


def _unknown_key(path: Path, values: Mapping[str, Any]) -> Finding:
    siblings = _schema_at(path[:-1]).get("properties", {})
    suggestion = find_similar(path[-1], siblings, _CUTOFF)
    elsewhere = [key for key in _all_keys() if key.rpartition(".")[2] == path[-1]]
    if suggestion is not None:
        fix = f"did you mean {'.'.join((*path[:-1], suggestion))}?"
    elif elsewhere:
        fix = f"did you mean {' or '.join(elsewhere)}?"
    else:
        fix = f"use one of {', '.join(siblings)}"
    why = "the chart has no such value: it has no effect"
    return error(".".join(path), _at(values, path), why, fix)


def _rejected_setting(setting: str, value: Any) -> Finding:
    if setting in _REJECTED_SETTINGS:
        why, fix = _REJECTED_SETTINGS[setting]
        return error(conf_key(setting), value, why, fix)
    is_hadoop = setting.startswith(("fs.", "mapreduce.", "hadoop."))
    suggestion = find_similar(f"spark.{setting}", known_settings().spark) or find_similar(
        setting, known_settings().spark
    )
    fix = f"write {HADOOP}{setting}" if is_hadoop else f"did you mean {suggestion}?"
    why = "Spark settings start with spark., Hadoop settings with spark.hadoop."
    return error(conf_key(setting), value, why, fix if is_hadoop or suggestion else "leave it out")


def _wrong_value(path: Path, values: Mapping[str, Any], text: str) -> Finding:
    value, schema = _at(values, path), _schema_at(path)
    expected = _expected(schema) or text
    return error(".".join(path), value, f"expected {expected}", _fix(path, value, schema))


def _fix(path: Path, value: Any, schema: Schema) -> str:
    """How to correct the value, if that can be guessed."""
    key = ".".join(path)
    other_memory = _OTHER_MEMORY_UNITS.fullmatch(str(value))
    if other_memory and schema is _schema()["definitions"]["javaMemory"]:
        return f"set {key}: {other_memory[1]}{other_memory[2].lower()}"
    types = schema.get("type", ())
    if "string" in types and isinstance(value, int | float):
        return f'put it in quotes: {path[-1]}: "{str(value).lower()}"'
    if types in ("integer", "boolean") and isinstance(value, str) and _is_yaml(value, types):
        return f"leave out the quotes: {path[-1]}: {value}"
    if suggestion := find_similar(str(value), schema.get("enum", ()), _CUTOFF):
        return f"set {key}: {suggestion}"
    return f"see {key} in {resources.chart() / 'README.md'}"


def _is_yaml(text: str, kind: str) -> bool:
    return text.isdigit() if kind == "integer" else text.lower() in ("true", "false")


def _expected(schema: Schema) -> str:
    if "description" in schema:
        return str(schema["description"])
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    low, high = schema.get("minimum"), schema.get("maximum")
    types = schema.get("type", "")
    words = {"string": "text", "object": "keys with values", "array": "a list"}
    words |= {"integer": "a whole number", "boolean": "true or false"}
    kinds = [types] if isinstance(types, str) else types
    description = " or ".join(words.get(kind, kind) for kind in kinds)
    bounds = f", at least {low}" if low is not None else ""
    bounds += f", at most {high}" if high is not None else ""
    return (
        description
        + bounds
        + (" that is not empty" if "minLength" in schema or "minItems" in schema else "")
    )


@cache
def _schema() -> dict[str, Any]:
    text = (resources.chart() / "values.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _schema_at(path: Path) -> Schema:
    """The schema of the value at a path."""
    schema: Schema = _schema()
    for key in path:
        extra = schema.get("additionalProperties")
        child = schema.get("properties", {}).get(key) or schema.get("items") or extra
        schema = _resolved(child if isinstance(child, dict) else {})
    return schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    resolved: dict[str, Any] = _schema()["definitions"][name] if name else schema
    return resolved


def _all_keys() -> list[str]:
    """The dotted keys of all values."""
    return list(_keys_below(_schema(), ""))


def _keys_below(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, child in schema.get("properties", {}).items():
        yield prefix + key
        yield from _keys_below(_resolved(child), f"{prefix}{key}.")


def _at(values: Any, path: Path) -> Any:
    for key in path:
        values = values[int(key)] if isinstance(values, list) else values[key]
    return values


def _path_to_list(path: Path) -> Path:
    """The path up to the first list: lists are removed as a whole."""
    indexes = [position for position, key in enumerate(path) if key.isdigit()]
    return path[: indexes[0]] if indexes else path
