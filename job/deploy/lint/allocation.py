"""How many executors, and when they go."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import Subject, conf_key, default_of
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import seconds

_ENABLED = "spark.dynamicAllocation.enabled"
_TRACKING = "spark.dynamicAllocation.shuffleTracking."
_CACHED = "spark.dynamicAllocation.cachedExecutorIdleTimeout"
_SHUFFLE_SERVICE = "spark.shuffle.service.enabled"
# Longer than any night: nobody waits for such an executor to go.
_ENDLESS = 24 * 3600


def least_above_most(subject: Subject) -> Iterator[Finding]:
    """More executors at least than at most: Spark does not start."""
    least, most = _number(subject, "min"), _number(subject, "max")
    if _is_dynamic(subject) and least > most:
        why = f"it is above dynamicAllocation.maxExecutors ({most}): Spark does not start"
        yield error("dynamicAllocation.minExecutors", least, why, "lower it, or raise the other")


def first_outside(subject: Subject) -> Iterator[Finding]:
    """A first number of executors outside of least and most."""
    least, most, first = (_number(subject, name) for name in ("min", "max", "initial"))
    if _is_dynamic(subject) and least <= most and not least <= first <= most:
        why = f"it is not within {least} and {most}, and Spark does not keep to it"
        yield warning("dynamicAllocation.initialExecutors", first, why, "choose one within them")


def endless_executors(subject: Subject) -> Iterator[Finding]:
    """Dynamic allocation that never releases executors with blocks, as is Spark's own default."""
    by_settings = not _is_dynamic(subject) and _says(subject, _ENABLED)
    if by_settings and _TRACKING + "timeout" not in subject.conf:
        yield error(
            conf_key(_ENABLED),
            True,
            "by itself Spark never releases an executor that holds shuffle or cached blocks",
            "set dynamicAllocation.enabled: true instead, which brings finite timeouts",
        )
    for key, setting in _timeouts(subject):
        if seconds(setting) > _ENDLESS:
            why = "an executor that idles for so long is as good as never released, and is paid"
            yield error(key, setting, why, "set a time such as 300s")


def idle_time_of_nothing(subject: Subject) -> Iterator[Finding]:
    """An idle time of 0, with which Spark does not start."""
    key = "dynamicAllocation.executorIdleTimeout"
    if _is_dynamic(subject) and seconds(subject.value(key)) == 0:
        why = "Spark does not start unless it is above 0"
        yield error(key, subject.value(key), why, f"set {key}: 60s")


def shuffle_service(subject: Subject) -> Iterator[Finding]:
    """An external shuffle service, which Kubernetes does not have."""
    if _says(subject, _SHUFFLE_SERVICE):
        why = "no shuffle service runs on Kubernetes: executors would fail to register with it"
        yield error(conf_key(_SHUFFLE_SERVICE), True, why, "leave it out; blocks are tracked")


def untracked_shuffle(subject: Subject) -> Iterator[Finding]:
    """Dynamic allocation by settings, without shuffle tracking."""
    setting = _TRACKING + "enabled"
    off = subject.conf.get(setting, "true").lower() == "false"
    if off and not _is_dynamic(subject) and _says(subject, _ENABLED):
        why = "executors would go while their shuffle blocks are needed, and tasks run again"
        yield error(conf_key(setting), False, why, "leave it out")


def number_that_is_not_used(subject: Subject) -> Iterator[Finding]:
    """`executor.instances` while dynamic allocation decides."""
    instances, default = subject.value("executor.instances"), default_of("executor.instances")
    if _is_dynamic(subject) and instances != default:
        why = "dynamic allocation is on: this number is not used"
        fix = "set dynamicAllocation.maxExecutors, or dynamicAllocation.enabled: false"
        yield warning("executor.instances", instances, why, fix)


def _is_dynamic(subject: Subject) -> bool:
    return bool(subject.value("dynamicAllocation.enabled"))


def _number(subject: Subject, name: str) -> int:
    return int(subject.value(f"dynamicAllocation.{name}Executors"))


def _says(subject: Subject, setting: str) -> bool:
    return subject.conf.get(setting, "false").lower() == "true"


def _timeouts(subject: Subject) -> list[tuple[str, str]]:
    """Each timeout in force, with the key that says it."""
    if not _is_dynamic(subject):
        return []
    cached = (
        conf_key(_CACHED)
        if _CACHED in subject.own_conf
        else ("dynamicAllocation.cachedExecutorIdleTimeout")
    )
    tracking = "dynamicAllocation.shuffleTrackingTimeoutSeconds"
    return [(cached, subject.conf[_CACHED]), (tracking, f"{subject.value(tracking)}s")]
