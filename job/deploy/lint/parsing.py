"""Values that cannot be parsed, and defaults that are null. The other checks skip them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from job.deploy.lint.context import chart_defaults, conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import S3A
from job.errors import InvalidValueError
from job.quantities import parse_duration, parse_endpoint, parse_integer, parse_java_memory

Path = tuple[str, ...]

NULL_VALUE, NULL_VALUE_DOC = (
    "null-value",
    "`null` removes a default that the chart needs.",
)
UNPARSABLE_VALUE, UNPARSABLE_VALUE_DOC = (
    "unparsable-value",
    "A quantity, a duration or an endpoint that cannot be parsed.",
)

_PARSERS: dict[Callable[[str], Any], tuple[str, ...]] = {
    parse_java_memory: ("spark.driver.maxResultSize", "spark.memory.offHeap.size"),
    parse_integer: ("spark.executor.maxNumFailures", "spark.task.cpus", "spark.task.maxFailures"),
    parse_duration: (
        "spark.dynamicAllocation.cachedExecutorIdleTimeout",
        "spark.dynamicAllocation.executorIdleTimeout",
        "spark.dynamicAllocation.shuffleTracking.timeout",
        "spark.executor.failuresValidityInterval",
        "spark.executor.heartbeatInterval",
        "spark.network.timeout",
    ),
    parse_endpoint: (S3A + "endpoint",),
}


def null_values(values: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
    """(path, finding) of each default that is null."""
    for path in _missing(values, chart_defaults(), ()):
        key = ".".join(path)
        why = "null removes the chart's default, and the chart needs a value"
        yield path, error(key, "null", why, f"give {key} a value, or leave it out")


def unparsable_values(values: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
    """(path, finding) of each setting and endpoint that cannot be parsed."""
    for parse, settings in _PARSERS.items():
        for setting in settings:
            value = _section(values, "sparkConf").get(setting)
            if value is not None and (problem := _problem(parse, value)):
                yield ("sparkConf", setting), _unparsable(conf_key(setting), value, problem)
    endpoint = _section(values, "s3").get("endpoint")
    if endpoint and (problem := _problem(parse_endpoint, endpoint)):
        yield ("s3", "endpoint"), _unparsable("s3.endpoint", endpoint, problem)


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name)
    # The schema reports a section of another type.
    return section if isinstance(section, dict) else {}


def _problem(parse: Callable[[str], Any], value: Any) -> InvalidValueError | None:
    try:
        parse(str(value))
    except InvalidValueError as problem:
        return problem
    return None


def _unparsable(key: str, value: Any, problem: InvalidValueError) -> Finding:
    return error(key, value, problem.what, f"write {problem.expected}, or leave it out")


def _missing(
    values: Mapping[str, Any], defaults: Mapping[str, Any], parent: Path
) -> Iterator[Path]:
    for key, default in defaults.items():
        path = (*parent, key)
        if values.get(key) is None:
            yield path
        elif isinstance(default, dict) and isinstance(values[key], dict):
            yield from _missing(values[key], default, path)
