"""Nodes that go: spot nodes, the notice they give, and what is lost with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from job.deploy.lint.context import Subject, conf_key, default_of
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import seconds

_DECOMMISSION = (
    "spark.decommission.enabled",
    "spark.storage.decommission.enabled",
    "spark.storage.decommission.shuffleBlocks.enabled",
    "spark.storage.decommission.rddBlocks.enabled",
)
_MAX_FAILURES = "spark.executor.maxNumFailures"
_INTERVAL = "spark.executor.failuresValidityInterval"
# EC2 takes a spot node two minutes after its notice; Kubernetes gives 30 s where nothing is said.
_SPOT_NOTICE = 120
_KUBERNETES_GRACE = 30
# Spark's own limit for a task.
_TASK_FAILURES = 4
_DAY = 86400
_GRACE = "executor.terminationGracePeriodSeconds"


def driver_on_spot(subject: Subject) -> Iterator[Finding]:
    """A driver on spot nodes: its loss is the run's."""
    if chosen := _spot(subject, "driver"):
        why = "a spot node goes at two minutes' notice, and the loss of the driver ends the run"
        yield warning("driver.nodeSelector", chosen, why, "choose on-demand nodes for the driver")


def few_losses_on_spot(subject: Subject) -> Iterator[Finding]:
    """Executors on spot nodes, with no more losses allowed than Spark's own default."""
    most = _most_executors(subject)
    allowed = subject.conf[_MAX_FAILURES]
    # Spark's default is the larger of 3 and twice the executors.
    if _spot(subject, "executor") and int(allowed) <= max(3, 2 * most):
        yield warning(
            "failures.maxExecutors",
            allowed,
            f"with {most} executors on spot nodes so many are lost soon, and then the run fails",
            f"set failures.maxExecutors: {max(100, 10 * most)}",
        )


def losses_that_add_up(subject: Subject) -> Iterator[Finding]:
    """Executors on spot nodes, with losses that count for a day or for ever."""
    interval = subject.conf[_INTERVAL]
    if _spot(subject, "executor") and seconds(interval) >= _DAY:
        why = "each spot node that went counts for as long, until the run fails of their sum"
        yield warning("failures.executorsInterval", interval, why, "set a time such as 10m")


def few_attempts_on_spot(subject: Subject) -> Iterator[Finding]:
    """Executors on spot nodes, with fewer attempts of a task than Spark's own default."""
    attempts = subject.conf["spark.task.maxFailures"]
    key = "failures.maxTaskAttempts"
    if _spot(subject, "executor") and int(attempts) < _TASK_FAILURES:
        why = "each node that goes costs its tasks an attempt, and Spark's own default is 4"
        yield warning(key, attempts, why, _left_out(key))


def no_decommission_on_spot(subject: Subject) -> Iterator[Finding]:
    """Executors on spot nodes that do not move their blocks away before they go."""
    if _spot(subject, "executor") and not subject.value("decommission.enabled"):
        why = "blocks of a node that goes are lost, and the tasks that made them run again"
        yield warning("decommission.enabled", False, why, "leave it out: the chart moves them")


def half_a_decommission(subject: Subject) -> Iterator[Finding]:
    """One of the four settings of decommissioning switched off: the others do nothing."""
    if not subject.value("decommission.enabled"):
        return
    for setting in _DECOMMISSION:
        if subject.conf[setting].lower() == "false":
            why = "decommissioning needs all four of its settings: the blocks would be lost"
            yield error(
                conf_key(setting), False, why, "leave it out, or decommission.enabled: false"
            )


def short_grace(subject: Subject) -> Iterator[Finding]:
    """Decommissioning with no time for it."""
    grace = subject.value(_GRACE)
    if subject.value("decommission.enabled") and grace < _KUBERNETES_GRACE:
        why = "blocks are moved between the notice and the end, and Kubernetes' own 30 s are more"
        yield warning(_GRACE, grace, why, _left_out(_GRACE))


def grace_beyond_notice(subject: Subject) -> Iterator[Finding]:
    """A grace period on spot nodes beyond their notice of two minutes."""
    grace = subject.value(_GRACE)
    if _spot(subject, "executor") and grace > _SPOT_NOTICE:
        why = "a spot node is gone 120 s after its notice, whatever Kubernetes has promised"
        yield warning(_GRACE, grace, why, _left_out(_GRACE))


def _left_out(key: str) -> str:
    return f"leave it out: the chart has {default_of(key)}"


def _spot(subject: Subject, role: str) -> str:
    """The label by which the pods of a role choose spot nodes; empty if they do not."""
    spec = subject.spec[role]["template"]["spec"]
    chosen = list((spec.get("nodeSelector") or {}).items()) + _affinity_labels(spec)
    return next((f"{key}: {value}" for key, value in chosen if _is_spot(key, value)), "")


def _is_spot(key: str, value: str) -> bool:
    # EKS, Karpenter and AKS have the word as the value, GKE has it in the key.
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


def _most_executors(subject: Subject) -> int:
    dynamic = subject.value("dynamicAllocation.enabled")
    return int(subject.value("dynamicAllocation.maxExecutors" if dynamic else "executor.instances"))
