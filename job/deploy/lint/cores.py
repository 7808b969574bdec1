"""Cores of the pods: asked for, limited, and used."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import ROLES, Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import cpu

_TASK_CPUS = "spark.task.cpus"
# What the kubelet of an EKS node keeps: of the first core, the second, the next two, each other.
_KEPT = (0.06, 0.01, 0.005, 0.005)
_KEPT_OF_OTHERS = 0.0025


def request_above_limit(subject: Subject) -> Iterator[Finding]:
    """A CPU request above the limit: Kubernetes refuses the pod."""
    for role in ROLES:
        limit = subject.value(f"{role}.coreLimit")
        if limit and _asked(subject, role) > cpu(str(limit)):
            key = f"{role}.coreLimit"
            why = f"the pod asks for {_asked(subject, role):g} cores: Kubernetes refuses it"
            fix = f"set {role}.coreRequest to {limit} or less, or leave {key} out"
            yield error(key, limit, why, fix)


def request_above_cores(subject: Subject) -> Iterator[Finding]:
    """A CPU request above the cores that Spark uses."""
    for role in ROLES:
        cores = subject.value(f"{role}.cores")
        if _asked(subject, role) > cores:
            key = f"{role}.coreRequest"
            why = f"Spark uses {cores} of them; the rest is paid and idle"
            yield warning(key, subject.value(key), why, f"set {role}.cores, or leave {key} out")


def more_cores_than_node(subject: Subject) -> Iterator[Finding]:
    """A pod that asks for more cores than a node can give (`--node-cores`)."""
    if subject.node.cores is None:
        return
    given = subject.node.cores - _kept_by_node(subject.node.cores)
    for role in ROLES:
        asked = _asked(subject, role)
        if asked > given:
            key = f"{role}.coreRequest" if subject.value(f"{role}.coreRequest") else f"{role}.cores"
            yield error(
                key,
                subject.value(key),
                f"the pod asks for {asked:g} cores; of {subject.node.cores:g} a node gives "
                f"{given:.2f} at most, so it would wait for ever",
                f"set {role}.coreRequest to {int(given * 10) * 100}m or less",
            )


def cores_below_task(subject: Subject) -> Iterator[Finding]:
    """`spark.task.cpus` above `executor.cores`: no task would fit."""
    cpus, cores = subject.conf.get(_TASK_CPUS, "1"), subject.value("executor.cores")
    if cpus.isdigit() and int(cpus) > cores:
        why = f"an executor has {cores} cores: Spark does not start, as no task would fit"
        yield error(conf_key(_TASK_CPUS), cpus, why, "leave it out, or raise executor.cores")


def _asked(subject: Subject, role: str) -> float:
    return cpu(str(subject.value(f"{role}.coreRequest") or subject.value(f"{role}.cores")))


def _kept_by_node(cores: float) -> float:
    whole = int(cores)
    return sum(_KEPT[:whole]) + max(0, whole - len(_KEPT)) * _KEPT_OF_OTHERS
