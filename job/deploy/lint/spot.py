"""Spot nodes: interruption notice, allowed failures, and decommissioning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from job.deploy.lint.context import LintContext, chart_default, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import parse_duration

_DECOMMISSION = (
    "spark.decommission.enabled",
    "spark.storage.decommission.enabled",
    "spark.storage.decommission.shuffleBlocks.enabled",
    "spark.storage.decommission.rddBlocks.enabled",
)
_MAX_FAILURES = "spark.executor.maxNumFailures"
_INTERVAL = "spark.executor.failuresValidityInterval"
# EC2 interrupts a spot node two minutes after its notice. Kubernetes' default grace period is 30 s.
_SPOT_NOTICE = 120
_KUBERNETES_GRACE = 30
# Spark's default for spark.task.maxFailures.
_TASK_FAILURES = 4
_DAY = 86400
_GRACE = "executor.terminationGracePeriodSeconds"


def driver_on_spot(context: LintContext) -> Iterator[Finding]:
    """The driver runs on spot nodes: losing it ends the run."""
    if labels := _spot_label(context, "driver"):
        why = "a spot node stops at two minutes' notice, and the loss of the driver ends the run"
        yield warning("driver.nodeSelector", labels, why, "choose on-demand nodes for the driver")


def low_failure_limit_on_spot(context: LintContext) -> Iterator[Finding]:
    """Executors on spot nodes, with no more allowed failures than Spark's default."""
    executors = _max_executors(context)
    allowed = context.conf[_MAX_FAILURES]
    # Spark's default is the larger of 3 and twice the executors.
    if _spot_label(context, "executor") and int(allowed) <= max(3, 2 * executors):
        yield warning(
            "failures.maxExecutors",
            allowed,
            f"{executors} executors on spot nodes soon reach this number, and then the run fails",
            f"set failures.maxExecutors: {max(100, 10 * executors)}",
        )


def long_failure_interval_on_spot(context: LintContext) -> Iterator[Finding]:
    """Executors on spot nodes, with failures that count for a day or more."""
    interval = context.conf[_INTERVAL]
    if _spot_label(context, "executor") and parse_duration(interval) >= _DAY:
        why = "each interrupted spot node counts this long: the sum fails a long run"
        yield warning("failures.executorsInterval", interval, why, "set a time such as 10m")


def low_task_attempts_on_spot(context: LintContext) -> Iterator[Finding]:
    """Executors on spot nodes, with fewer task attempts than Spark's default."""
    attempts = context.conf["spark.task.maxFailures"]
    key = "failures.maxTaskAttempts"
    if _spot_label(context, "executor") and int(attempts) < _TASK_FAILURES:
        why = "each lost node costs its tasks an attempt, and Spark's default is 4"
        yield warning(key, attempts, why, _leave_out(key))


def no_decommission_on_spot(context: LintContext) -> Iterator[Finding]:
    """Executors on spot nodes do not migrate their blocks before the node stops."""
    if _spot_label(context, "executor") and not context.value("decommission.enabled"):
        why = "blocks of a lost node are lost too, and the tasks that wrote them run again"
        yield warning("decommission.enabled", False, why, "leave it out: the chart migrates them")


def partial_decommission(context: LintContext) -> Iterator[Finding]:
    """One of the four settings of decommissioning is off: the others have no effect."""
    if not context.value("decommission.enabled"):
        return
    for setting in _DECOMMISSION:
        if context.conf[setting].lower() == "false":
            why = "decommissioning needs all four of its settings: blocks would be lost"
            yield error(
                conf_key(setting), False, why, "leave it out, or decommission.enabled: false"
            )


def short_grace_period(context: LintContext) -> Iterator[Finding]:
    """The grace period is too short for decommissioning."""
    grace = context.value(_GRACE)
    if context.value("decommission.enabled") and grace < _KUBERNETES_GRACE:
        why = "blocks are migrated in this time, and even Kubernetes' default is 30 s"
        yield warning(_GRACE, grace, why, _leave_out(_GRACE))


def grace_period_beyond_spot_notice(context: LintContext) -> Iterator[Finding]:
    """The grace period on spot nodes is longer than their notice of two minutes."""
    grace = context.value(_GRACE)
    if _spot_label(context, "executor") and grace > _SPOT_NOTICE:
        why = "a spot node is gone 120 s after its notice, whatever the grace period is"
        yield warning(_GRACE, grace, why, _leave_out(_GRACE))


def _leave_out(key: str) -> str:
    return f"leave it out: the chart has {chart_default(key)}"


def _spot_label(context: LintContext, role: str) -> str:
    """The label by which the pods of a role select spot nodes; empty if they do not."""
    spec = context.spec[role]["template"]["spec"]
    labels = list((spec.get("nodeSelector") or {}).items()) + _affinity_labels(spec)
    return next((f"{key}: {value}" for key, value in labels if _is_spot(key, value)), "")


def _is_spot(key: str, value: str) -> bool:
    # EKS, Karpenter and AKS have `spot` in the value, GKE has it in the key.
    return value.lower() == "spot" or (key.endswith(("-spot", "-preemptible")) and value == "true")


def _affinity_labels(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return [
        (rule["key"], value)
        for term in required.get("nodeSelectorTerms") or []
        for rule in term.get("matchExpressions") or []
        if rule.get("operator") == "In"
        for value in rule.get("values") or []
    ]


def _max_executors(context: LintContext) -> int:
    dynamic = context.value("dynamicAllocation.enabled")
    return int(context.value("dynamicAllocation.maxExecutors" if dynamic else "executor.instances"))
