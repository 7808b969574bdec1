"""Executor allocation: how many executors, and when they are released."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import LintContext, chart_default, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import parse_duration

_ENABLED = "spark.dynamicAllocation.enabled"
_TRACKING = "spark.dynamicAllocation.shuffleTracking."
_CACHED = "spark.dynamicAllocation.cachedExecutorIdleTimeout"
_SHUFFLE_SERVICE = "spark.shuffle.service.enabled"
# An idle timeout of more than a day never takes effect in practice.
_NEVER = 24 * 3600


def min_executors_above_max(context: LintContext) -> Iterator[Finding]:
    """The minimum number of executors is above the maximum: Spark does not start."""
    low, high = _number(context, "min"), _number(context, "max")
    if _is_dynamic(context) and low > high:
        why = f"it is above dynamicAllocation.maxExecutors ({high}): Spark does not start"
        yield error("dynamicAllocation.minExecutors", low, why, "lower it, or raise maxExecutors")


def initial_executors_out_of_range(context: LintContext) -> Iterator[Finding]:
    """The initial number of executors is outside the range from minimum to maximum."""
    low, high, initial = (_number(context, name) for name in ("min", "max", "initial"))
    if _is_dynamic(context) and low <= high and not low <= initial <= high:
        why = f"it is not within {low} and {high}: Spark starts with another number"
        yield warning("dynamicAllocation.initialExecutors", initial, why, "set it within the range")


def executors_never_released(context: LintContext) -> Iterator[Finding]:
    """Executors that hold blocks are never released, which is Spark's default."""
    in_spark_conf = not _is_dynamic(context) and _is_true(context, _ENABLED)
    if in_spark_conf and _TRACKING + "timeout" not in context.conf:
        yield error(
            conf_key(_ENABLED),
            True,
            "by default Spark never releases an executor that holds shuffle or cached blocks",
            "set dynamicAllocation.enabled: true instead, which sets finite timeouts",
        )
    for key, timeout in _timeouts(context):
        if parse_duration(timeout) > _NEVER:
            why = "an executor that idles this long is practically never released, and costs money"
            yield error(key, timeout, why, "set a time such as 300s")


def zero_idle_timeout(context: LintContext) -> Iterator[Finding]:
    """The idle timeout is 0: Spark does not start."""
    key = "dynamicAllocation.executorIdleTimeout"
    if _is_dynamic(context) and parse_duration(context.value(key)) == 0:
        why = "Spark only starts if it is above 0"
        yield error(key, context.value(key), why, f"set {key}: 60s")


def external_shuffle_service(context: LintContext) -> Iterator[Finding]:
    """An external shuffle service, which does not exist on Kubernetes."""
    if _is_true(context, _SHUFFLE_SERVICE):
        why = "no shuffle service runs on Kubernetes: executors would fail to register with it"
        yield error(
            conf_key(_SHUFFLE_SERVICE), True, why, "leave it out: shuffle blocks are tracked"
        )


def shuffle_tracking_disabled(context: LintContext) -> Iterator[Finding]:
    """Dynamic allocation is set in `sparkConf`, and shuffle tracking is off."""
    setting = _TRACKING + "enabled"
    off = context.conf.get(setting, "true").lower() == "false"
    if off and not _is_dynamic(context) and _is_true(context, _ENABLED):
        why = "executors are released while their shuffle blocks are needed, and tasks run again"
        yield error(conf_key(setting), False, why, "leave it out")


def unused_executor_instances(context: LintContext) -> Iterator[Finding]:
    """`executor.instances` is set, and dynamic allocation ignores it."""
    instances, default = context.value("executor.instances"), chart_default("executor.instances")
    if _is_dynamic(context) and instances != default:
        why = "dynamic allocation is on: this number has no effect"
        fix = "set dynamicAllocation.maxExecutors, or dynamicAllocation.enabled: false"
        yield warning("executor.instances", instances, why, fix)


def _is_dynamic(context: LintContext) -> bool:
    return bool(context.value("dynamicAllocation.enabled"))


def _number(context: LintContext, name: str) -> int:
    return int(context.value(f"dynamicAllocation.{name}Executors"))


def _is_true(context: LintContext, setting: str) -> bool:
    return context.conf.get(setting, "false").lower() == "true"


def _timeouts(context: LintContext) -> list[tuple[str, str]]:
    """(key, value) of each timeout in force."""
    if not _is_dynamic(context):
        return []
    cached = (
        conf_key(_CACHED)
        if _CACHED in context.own_conf
        else "dynamicAllocation.cachedExecutorIdleTimeout"
    )
    tracking = "dynamicAllocation.shuffleTrackingTimeoutSeconds"
    return [(cached, context.conf[_CACHED]), (tracking, f"{context.value(tracking)}s")]
