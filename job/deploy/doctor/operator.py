"""The spark-operator: whether it would see a run, and refuse a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from job.checks import CannotLookError
from job.deploy.doctor.context import Outside
from job.deploy.submit.api_errors import OPERATOR
from job.deploy.submit.spark_application import Manifest
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    JobError,
    MissingPrerequisiteError,
    TransportError,
)

# What the operator's own chart calls it, whatever the release is named.
_CONTROLLER = "app.kubernetes.io/name=spark-operator,app.kubernetes.io/component=controller"
_NAMESPACES, _SELECTOR = "--namespaces=", "--namespace-selector="
# The operator itself sets it, and its webhook refuses it in sparkConf.
_REFUSED_SETTING = "spark.kubernetes.container.image"
_WEBHOOK_FAILS = "failed calling webhook"


def operator(subject: Outside) -> str:
    """A spark-operator runs, and watches the namespace."""
    namespace = subject.cluster.namespace
    found = _controllers(subject)
    watching = [each for each in found if _watches(subject, each, namespace)]
    if not watching:
        raise MissingPrerequisiteError(
            f"no spark-operator watches {namespace}; there is {_told(found) or 'none at all'}",
            expected="one with this namespace in spark.jobNamespaces",
            fix=f"helm upgrade it with --set 'spark.jobNamespaces={{{namespace}}}'"
            if found
            else OPERATOR,
        )
    ready = [each for each in watching if (each["status"].get("availableReplicas") or 0) > 0]
    if not ready:
        (first, *_) = watching
        raise MissingPrerequisiteError(
            f"the spark-operator that watches {namespace} does not run: {_told(watching)}",
            expected="at least one replica that is available",
            fix=f"kubectl --namespace {first['metadata']['namespace']} describe "
            f"deployment {first['metadata']['name']}",
        )
    return f"{_told(ready)} watches {namespace}"


def _controllers(subject: Outside) -> list[Manifest]:
    try:
        return subject.cluster.select("apps/v1", "Deployment", _CONTROLLER, everywhere=True)
    except AccessDeniedError as refusal:
        raise CannotLookError(refusal.what) from refusal


def _watches(subject: Outside, controller: Manifest, namespace: str) -> bool:
    given = list(_arguments(controller))
    names = [each.removeprefix(_NAMESPACES) for each in given if each.startswith(_NAMESPACES)]
    watched = {part.strip('"') for text in names for part in text.split(",")}
    selectors = [each.removeprefix(_SELECTOR) for each in given if each.startswith(_SELECTOR)]
    # Without both it watches all; an empty name among others stands for all too.
    if namespace in watched or "" in watched or not (watched or selectors):
        return True
    return any(_selected(subject, namespace, selector) for selector in selectors)


def _arguments(controller: Manifest) -> Iterator[str]:
    for container in controller["spec"]["template"]["spec"]["containers"]:
        yield from container.get("args") or []


def _selected(subject: Outside, namespace: str, selector: str) -> bool:
    try:
        selected = subject.cluster.select("v1", "Namespace", selector)
    except AccessDeniedError as refusal:
        raise CannotLookError(f"it watches by {selector!r}, and {refusal.what}") from refusal
    return namespace in [each["metadata"]["name"] for each in selected]


def _told(controllers: list[Manifest]) -> str:
    return ", ".join(
        f"{each['metadata']['namespace']}/{each['metadata']['name']} "
        f"({each['status'].get('availableReplicas') or 0} of {each['spec']['replicas']} available)"
        for each in controllers
    )


def webhook(subject: Outside) -> str:
    """The operator's webhook answers: a run with a setting that is not allowed is refused."""
    wrong = deepcopy(subject.run.application)
    wrong["spec"]["sparkConf"][_REFUSED_SETTING] = "none"
    try:
        subject.cluster.create(wrong, dry_run=True)
    except InvalidValueError as refusal:
        if _REFUSED_SETTING in refusal.what:
            return f"it refuses {_REFUSED_SETTING} in sparkConf"
        raise
    except AccessDeniedError as refusal:
        raise CannotLookError(refusal.what) from refusal
    except TransportError as failure:
        raise _does_not_answer(failure) from failure
    raise MissingPrerequisiteError(
        f"a run with {_REFUSED_SETTING} in sparkConf would be taken",
        expected="a webhook of the spark-operator that refuses it",
        fix="helm upgrade the operator with --set webhook.enable=true, and this namespace in "
        "spark.jobNamespaces",
    )


def _does_not_answer(failure: TransportError) -> JobError:
    if _WEBHOOK_FAILS not in failure.what:
        return failure
    return MissingPrerequisiteError(
        failure.what,
        expected="an answer of the spark-operator's webhook; no run can be made without it",
        fix="kubectl get pods --all-namespaces --selector app.kubernetes.io/component=webhook",
    )
