"""What is common to converters: the fields of an application, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from job.deploy.render.targets.key_mapping import ELSEWHERE, SETTING_OF, Reasons

Manifest = dict[str, Any]

_UNKNOWN = "this target has no counterpart that is known here"


@dataclass(frozen=True)
class LeftOut:
    """A name that a target does not get, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Converted:
    """What goes to a person or a server, the files beside it by name, and what is in neither."""

    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()


def reason(name: str, reasons: Reasons) -> str | None:
    """Why a target does not get `name`; None if it does."""
    return next((why for pattern, why in reasons.items() if fnmatchcase(name, pattern)), None)


def settings(
    application: Manifest, reasons: Reasons, elsewhere: Sequence[str] = ()
) -> tuple[dict[str, str], list[LeftOut]]:
    """The Spark settings of an application, by key, and what a target with these reasons leaves.

    `elsewhere` are fields that the target has, but not as a setting.
    """
    spec = application["spec"]
    found = {"spark.dynamicAllocation.enabled": "false"}
    left: list[LeftOut] = []
    for name, value in _fields(spec):
        if name in elsewhere:
            continue
        why = reason(name, reasons)
        if why is None and name in SETTING_OF:
            found[SETTING_OF[name]] = as_text(value)
        else:
            left.append(LeftOut(name, why or _UNKNOWN))
    for key, value in spec.get("sparkConf", {}).items():
        why = reason(key, reasons)
        if why is None:
            found[key] = value
        else:
            left.append(LeftOut(key, why))
    return dict(sorted(found.items())), left


def _fields(spec: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values of a spec, without those that a converter reads by itself."""
    for key, value in spec.items():
        name = f"{above}{key}"
        if name in ELSEWHERE:
            continue
        if isinstance(value, Mapping):
            yield from _fields(value, f"{name}.")
        else:
            yield name, value


def without(
    found: Mapping[str, Any], allowed: Iterable[str], above: str, reasons: Reasons
) -> tuple[Manifest, list[LeftOut]]:
    """The allowed keys, and the others with their reasons."""
    kept = {key: value for key, value in found.items() if key in allowed}
    names = [f"{above}{key}" for key in found if key not in kept]
    return kept, [LeftOut(name, reason(name, reasons) or _UNKNOWN) for name in names]


def objects(manifests: Iterable[Manifest], reasons: Reasons) -> list[LeftOut]:
    """Objects of the chart that a target does not get."""
    names = [f"{each['kind']} {each['metadata']['name']}" for each in manifests]
    return [LeftOut(name, reason(name, reasons) or _UNKNOWN) for name in names]


def told(left_out: Iterable[LeftOut]) -> list[str]:
    """One line a reason, with all that has it."""
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        names = by_reason.setdefault(each.reason, [])
        if each.name not in names:
            names.append(each.name)
    return [f"left out: {', '.join(names)} ({why})" for why, names in by_reason.items()]


def as_text(value: Any) -> str:
    """A value as Spark writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)
