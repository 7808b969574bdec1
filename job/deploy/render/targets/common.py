"""Shared by the converters: fields of an application as Spark settings, and omitted fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from job.deploy.render.targets.key_mapping import FIELD_TO_SETTING, HANDLED_FIELDS, OmissionReasons

Manifest = dict[str, Any]

_UNKNOWN = "no known counterpart in this target"


@dataclass(frozen=True)
class OmittedField:
    """A field, setting or object that a target does not get, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class RenderedTarget:
    """The text for a target, its extra files by name, and the omitted fields."""

    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[OmittedField, ...] = ()


def find_reason(name: str, reasons: OmissionReasons) -> str | None:
    """Why a target does not get `name`; None if it gets it."""
    return next((why for pattern, why in reasons.items() if fnmatchcase(name, pattern)), None)


def spark_settings(
    application: Manifest, reasons: OmissionReasons, handled: Sequence[str] = ()
) -> tuple[dict[str, str], list[OmittedField]]:
    """The Spark settings of an application by key, and the fields that the target omits.

    `handled` are fields that the converter passes to the target in another way.
    """
    spec = application["spec"]
    result = {"spark.dynamicAllocation.enabled": "false"}
    omitted: list[OmittedField] = []
    for name, value in _fields(spec):
        if name in handled:
            continue
        why = find_reason(name, reasons)
        if why is None and name in FIELD_TO_SETTING:
            result[FIELD_TO_SETTING[name]] = as_text(value)
        else:
            omitted.append(OmittedField(name, why or _UNKNOWN))
    for key, value in spec.get("sparkConf", {}).items():
        why = find_reason(key, reasons)
        if why is None:
            result[key] = value
        else:
            omitted.append(OmittedField(key, why))
    return dict(sorted(result.items())), omitted


def _fields(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of each field of a spec that is not in HANDLED_FIELDS."""
    for key, value in spec.items():
        name = f"{prefix}{key}"
        if name in HANDLED_FIELDS:
            continue
        if isinstance(value, Mapping):
            yield from _fields(value, f"{name}.")
        else:
            yield name, value


def keep_allowed(
    fields: Mapping[str, Any], allowed: Iterable[str], prefix: str, reasons: OmissionReasons
) -> tuple[Manifest, list[OmittedField]]:
    """The allowed keys, and the omitted ones with their reasons."""
    kept = {key: value for key, value in fields.items() if key in allowed}
    names = [f"{prefix}{key}" for key in fields if key not in kept]
    return kept, [OmittedField(name, find_reason(name, reasons) or _UNKNOWN) for name in names]


def omit_objects(manifests: Iterable[Manifest], reasons: OmissionReasons) -> list[OmittedField]:
    """Reports objects of the chart as omitted."""
    names = [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in manifests]
    return [OmittedField(name, find_reason(name, reasons) or _UNKNOWN) for name in names]


def format_omitted(omitted: Iterable[OmittedField]) -> list[str]:
    """One line for each reason, with all fields that have it."""
    by_reason: dict[str, list[str]] = {}
    for item in omitted:
        names = by_reason.setdefault(item.reason, [])
        if item.name not in names:
            names.append(item.name)
    return [f"omitted: {', '.join(names)} ({why})" for why, names in by_reason.items()]


def as_text(value: Any) -> str:
    """A value in the form of a Spark setting."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)
