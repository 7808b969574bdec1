"""CPU of the pods: requests, limits, and the cores that Spark uses."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import ROLES, LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import parse_cpu

_TASK_CPUS = "spark.task.cpus"
# The kubelet of an EKS node reserves these shares of the first, second, third and fourth core.
_RESERVED = (0.06, 0.01, 0.005, 0.005)
_RESERVED_OF_OTHERS = 0.0025


def cpu_request_above_limit(context: LintContext) -> Iterator[Finding]:
    """The CPU request is above the limit: Kubernetes rejects the pod."""
    for role in ROLES:
        limit = context.value(f"{role}.coreLimit")
        if limit and _requested(context, role) > parse_cpu(str(limit)):
            key = f"{role}.coreLimit"
            why = f"the pod requests {_requested(context, role):g} cores: Kubernetes rejects it"
            fix = f"set {role}.coreRequest to {limit} or less, or leave {key} out"
            yield error(key, limit, why, fix)


def cpu_request_above_cores(context: LintContext) -> Iterator[Finding]:
    """The CPU request is above the number of cores that Spark uses."""
    for role in ROLES:
        cores = context.value(f"{role}.cores")
        if _requested(context, role) > cores:
            key = f"{role}.coreRequest"
            why = f"Spark uses {cores} of them; the rest is paid for and idle"
            yield warning(key, context.value(key), why, f"set {role}.cores, or leave {key} out")


def more_cores_than_node(context: LintContext) -> Iterator[Finding]:
    """A pod requests more cores than a node can allocate (`--node-cores`)."""
    if context.node.cores is None:
        return
    allocatable = context.node.cores - _reserved_by_node(context.node.cores)
    for role in ROLES:
        requested = _requested(context, role)
        if requested > allocatable:
            key = f"{role}.coreRequest" if context.value(f"{role}.coreRequest") else f"{role}.cores"
            yield error(
                key,
                context.value(key),
                f"the pod requests {requested:g} cores; a node with {context.node.cores:g} "
                f"can allocate {allocatable:.2f}: the pod would stay pending",
                f"set {role}.coreRequest to {int(allocatable * 10) * 100}m or less",
            )


def task_cpus_above_cores(context: LintContext) -> Iterator[Finding]:
    """`spark.task.cpus` is above `executor.cores`: no task fits."""
    cpus, cores = context.conf.get(_TASK_CPUS, "1"), context.value("executor.cores")
    if cpus.isdigit() and int(cpus) > cores:
        why = f"an executor has {cores} cores: Spark does not start, because no task fits"
        yield error(conf_key(_TASK_CPUS), cpus, why, "leave it out, or raise executor.cores")


def _requested(context: LintContext, role: str) -> float:
    return parse_cpu(str(context.value(f"{role}.coreRequest") or context.value(f"{role}.cores")))


def _reserved_by_node(cores: float) -> float:
    whole = int(cores)
    return sum(_RESERVED[:whole]) + max(0, whole - len(_RESERVED)) * _RESERVED_OF_OTHERS
