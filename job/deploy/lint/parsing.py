"""Values that nobody can read, and defaults that were taken away; the rest is checked without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from job.deploy.lint.context import chart_defaults, conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import S3A
from job.errors import InvalidValueError
from job.quantities import address, java_bytes, seconds, whole

Path = tuple[str, ...]

NULLED, NULLED_WHAT = "nulled-value", "`null` or nothing where the chart has a default, which goes."
UNREADABLE, UNREADABLE_WHAT = "unreadable-value", "An amount, a time or an address that is none."

_READ_BY: dict[Callable[[str], Any], tuple[str, ...]] = {
    java_bytes: ("spark.driver.maxResultSize", "spark.memory.offHeap.size"),
    whole: ("spark.executor.maxNumFailures", "spark.task.cpus", "spark.task.maxFailures"),
    seconds: (
        "spark.dynamicAllocation.cachedExecutorIdleTimeout",
        "spark.dynamicAllocation.executorIdleTimeout",
        "spark.dynamicAllocation.shuffleTracking.timeout",
        "spark.executor.failuresValidityInterval",
        "spark.executor.heartbeatInterval",
        "spark.network.timeout",
    ),
    address: (S3A + "endpoint",),
}


def nulled_values(values: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
    """Defaults that are not there any more, with their paths."""
    for path in _missing(values, chart_defaults(), ()):
        key = ".".join(path)
        why = "null takes the chart's default away, and the chart cannot do without it"
        yield path, error(key, "null", why, f"give {key} a value, or leave it out")


def unreadable_values(values: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
    """Settings and addresses that cannot be read, with their paths."""
    for read, settings in _READ_BY.items():
        for setting in settings:
            value = _section(values, "sparkConf").get(setting)
            if value is not None and (problem := _problem(read, value)):
                yield ("sparkConf", setting), _unreadable(conf_key(setting), value, problem)
    endpoint = _section(values, "s3").get("endpoint")
    if endpoint and (problem := _problem(address, endpoint)):
        yield ("s3", "endpoint"), _unreadable("s3.endpoint", endpoint, problem)


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    # What is no section is the schema's to refuse.
    return section if isinstance(section, dict) else {}


def _problem(read: Callable[[str], Any], value: Any) -> InvalidValueError | None:
    try:
        read(str(value))
    except InvalidValueError as problem:
        return problem
    return None


def _unreadable(key: str, value: Any, problem: InvalidValueError) -> Finding:
    return error(key, value, problem.what, f"write {problem.expected}, or leave it out")


def _missing(values: Mapping[str, Any], defaults: Mapping[str, Any], above: Path) -> Iterator[Path]:
    for key, default in defaults.items():
        path = (*above, key)
        if values.get(key) is None:
            yield path
        elif isinstance(default, dict) and isinstance(values[key], dict):
            yield from _missing(values[key], default, path)
