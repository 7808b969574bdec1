"""What the chart's schema refuses, said with the value, what was expected, and the fix."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from job import resources
from job.deploy.lint.context import conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import HADOOP, known, nearest
from job.deploy.render.schema_errors import Complaint

Path = tuple[str, ...]
Schema = Mapping[str, Any]

CHECK = "refused-by-schema"
WHAT = (
    "A value that the chart's schema refuses: key, type, form, or a Spark setting that is not ours."
)
_UNKNOWN_KEYS = re.compile(r"additional properties (.*) not allowed")
_WRONG_KEY = re.compile(r"invalid propertyName '(.*)'")
_MISSING_KEYS = re.compile(r"missing propert(?:y|ies) (.*)")
_QUOTED = re.compile(r"'([^']*)'")
_JAVA_MEMORY_OF_OTHERS = re.compile(r"(\d+)([KMGTkmgt])(i?[Bb]?)")
# Less like each other than settings: sections are short words.
_NEAR = 0.7

_OPERATOR = "the operator sets it, and refuses a run that does"
_OWN_VALUE = "the chart has a value for it"
_IMAGE = ("the operator refuses it: the application names the image", "set image.repository")
_TOKEN = ("the operator refuses it: it knows the cluster by itself", "leave it out")
_KEYS = ("it would be read by whoever may read a SparkApplication", "set s3.credentials")
_REFUSED_SETTINGS = {
    "spark.app.name": ("a run is named <release>-<runId>", "set runId"),
    "spark.executor.decommission.enabled": (
        "Spark has no such setting, often as it is copied: it would do nothing",
        "set decommission.enabled: true",
    ),
    "spark.kubernetes.driver.master": (_OPERATOR, "leave it out"),
    "spark.kubernetes.namespace": (_OPERATOR, "leave it out; --namespace says where it runs"),
    "spark.master": (_OPERATOR, "leave it out"),
    "spark.submit.deployMode": (_OPERATOR, "leave it out"),
    **{
        f"spark.{role}.{name}": (_OWN_VALUE, f"set {role}.{name}")
        for role in ("driver", "executor")
        for name in ("cores", "instances", "memory", "memoryOverhead")
    },
    **{f"spark.kubernetes.{of}container.image": _IMAGE for of in ("", "driver.", "executor.")},
    **{
        f"spark.kubernetes.authenticate.{role}.serviceAccountName": (
            "the operator refuses it: the application names the account",
            f"set serviceAccounts.{role}.name",
        )
        for role in ("driver", "executor")
    },
    **{
        f"spark.kubernetes.authenticate.{of}oauthToken{file}": _TOKEN
        for of in ("", "driver.", "executor.")
        for file in ("", "File")
    },
    **{f"{HADOOP}fs.s3a.{name}": _KEYS for name in ("access.key", "secret.key", "session.token")},
}


def findings_of(
    refused: Sequence[Complaint], values: Mapping[str, Any]
) -> list[tuple[Path, Finding]]:
    """What is refused, in the order of its keys, each with the path that has to go."""
    found = [each for complaint in refused for each in _findings(complaint, values)]
    return sorted(found, key=lambda each: each[1].key)


def _findings(complaint: Complaint, values: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
    path, text = complaint.path, complaint.text
    if unknown := _UNKNOWN_KEYS.fullmatch(text):
        for key in _QUOTED.findall(unknown[1]):
            yield _outside_lists((*path, key)), _unknown_key((*path, key), values)
    elif wrong := _WRONG_KEY.fullmatch(text):
        setting = wrong[1]
        yield ("sparkConf", setting), _refused_setting(setting, values["sparkConf"][setting])
    elif missing := _MISSING_KEYS.fullmatch(text):
        keys = ", ".join(_QUOTED.findall(missing[1]))
        finding = error(".".join(path), _at(values, path), f"it lacks {keys}", f"add {keys}")
        yield _outside_lists(path), finding
    else:
        yield _outside_lists(path), _wrong_value(path, values, text)


def _unknown_key(path: Path, values: Mapping[str, Any]) -> Finding:
    siblings = _schema_at(path[:-1]).get("properties", {})
    meant = nearest(path[-1], siblings, _NEAR)
    elsewhere = [key for key in _all_keys() if key.rpartition(".")[2] == path[-1]]
    if meant is not None:
        fix = f"did you mean {'.'.join((*path[:-1], meant))}?"
    elif elsewhere:
        fix = f"did you mean {' or '.join(elsewhere)}?"
    else:
        fix = f"there are {', '.join(siblings)}"
    why = "the chart has no such value: it would do nothing"
    return error(".".join(path), _at(values, path), why, fix)


def _refused_setting(setting: str, value: Any) -> Finding:
    if setting in _REFUSED_SETTINGS:
        why, fix = _REFUSED_SETTINGS[setting]
        return error(conf_key(setting), value, why, fix)
    of_hadoop = setting.startswith(("fs.", "mapreduce.", "hadoop."))
    meant = nearest(f"spark.{setting}", known().spark) or nearest(setting, known().spark)
    fix = f"write {HADOOP}{setting}" if of_hadoop else f"did you mean {meant}?"
    why = "names of Spark's settings begin with spark.; those of Hadoop with spark.hadoop."
    return error(conf_key(setting), value, why, fix if of_hadoop or meant else "leave it out")


def _wrong_value(path: Path, values: Mapping[str, Any], text: str) -> Finding:
    value, schema = _at(values, path), _schema_at(path)
    expected = _expected(schema) or text
    return error(".".join(path), value, f"expected {expected}", _fix(path, value, schema))


def _fix(path: Path, value: Any, schema: Schema) -> str:
    """The value that was meant, as far as it can be told."""
    key = ".".join(path)
    other_memory = _JAVA_MEMORY_OF_OTHERS.fullmatch(str(value))
    if other_memory and schema is _schema()["definitions"]["javaMemory"]:
        return f"set {key}: {other_memory[1]}{other_memory[2].lower()}"
    types = schema.get("type", ())
    if "string" in types and isinstance(value, int | float):
        return f'put it in quotes: {path[-1]}: "{str(value).lower()}"'
    if types in ("integer", "boolean") and isinstance(value, str) and _is_yaml(value, types):
        return f"leave out the quotes: {path[-1]}: {value}"
    if meant := nearest(str(value), schema.get("enum", ()), _NEAR):
        return f"set {key}: {meant}"
    return f"see {key} in {resources.chart() / 'README.md'}"


def _is_yaml(text: str, kind: str) -> bool:
    return text.isdigit() if kind == "integer" else text.lower() in ("true", "false")


def _expected(schema: Schema) -> str:
    if "description" in schema:
        return str(schema["description"])
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    least, most = schema.get("minimum"), schema.get("maximum")
    types = schema.get("type", "")
    words = {"string": "text", "object": "keys with values", "array": "a list"}
    words |= {"integer": "a whole number", "boolean": "true or false"}
    kinds = [types] if isinstance(types, str) else types
    named = " or ".join(words.get(kind, kind) for kind in kinds)
    bounds = f", at least {least}" if least is not None else ""
    bounds += f", at most {most}" if most is not None else ""
    return (
        named
        + bounds
        + (" that is not empty" if "minLength" in schema or "minItems" in schema else "")
    )


@cache
def _schema() -> dict[str, Any]:
    text = (resources.chart() / "values.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _schema_at(path: Path) -> Schema:
    """What the schema says of the value at a path."""
    schema: Schema = _schema()
    for key in path:
        extra = schema.get("additionalProperties")
        below = schema.get("properties", {}).get(key) or schema.get("items") or extra
        schema = _resolved(below if isinstance(below, dict) else {})
    return schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = _schema()["definitions"][name] if name else schema
    return found


def _all_keys() -> list[str]:
    """The dotted keys of all values."""
    return list(_keys_below(_schema(), ""))


def _keys_below(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, below in schema.get("properties", {}).items():
        yield prefix + key
        yield from _keys_below(_resolved(below), f"{prefix}{key}.")


def _at(values: Any, path: Path) -> Any:
    for key in path:
        values = values[int(key)] if isinstance(values, list) else values[key]
    return values


def _outside_lists(path: Path) -> Path:
    """The path as far as it goes through keys: a list is left out as a whole."""
    numbers = [place for place, key in enumerate(path) if key.isdigit()]
    return path[: numbers[0]] if numbers else path
