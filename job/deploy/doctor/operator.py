"""The spark-operator: whether it watches the namespace, and rejects an invalid run."""

from __future__ import annotations

import shlex
from copy import deepcopy

from job.checks import CannotCheckError
from job.deploy.doctor.context import ClientContext
from job.deploy.submit.api_errors import INSTALL_OPERATOR
from job.deploy.submit.cluster import Cluster
from job.deploy.submit.spark_application import Manifest
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    JobError,
    MissingPrerequisiteError,
    TransportError,
)

# Labels that the operator's chart sets under any release name.
_CONTROLLER = "app.kubernetes.io/name=spark-operator,app.kubernetes.io/component=controller"
_NAMESPACES, _SELECTOR = "--namespaces=", "--namespace-selector="
_CHART, _REPOSITORY = "spark-operator", "https://kubeflow.github.io/spark-operator"
# The values of the release, over the defaults of the chart: without it, helm drops the former.
_KEEP_VALUES = "--reset-then-reuse-values"
# The operator itself sets it, and its webhook refuses it in sparkConf.
_REFUSED_SETTING = "spark.kubernetes.container.image"
_WEBHOOK_FAILS = "failed calling webhook"


def operator(context: ClientContext) -> str:
    """A spark-operator runs, and watches the namespace."""
    return watching(context.cluster)


def watching(cluster: Cluster) -> str:
    """The operators that watch the cluster's namespace, in a few words.

    Raises MissingPrerequisiteError where none does, CannotCheckError where that cannot be seen.
    """
    namespace = cluster.namespace
    found = _controllers(cluster)
    watchers = [each for each in found if _watches(cluster, each)]
    if not watchers:
        raise MissingPrerequisiteError(
            f"no spark-operator watches {namespace}; there is {_describe(found) or 'none at all'}",
            expected="one with this namespace in spark.jobNamespaces",
            fix=_let_watch(found[0], namespace) if found else INSTALL_OPERATOR,
        )
    ready = [each for each in watchers if (each["status"].get("availableReplicas") or 0) > 0]
    if not ready:
        (first, *_) = watchers
        raise MissingPrerequisiteError(
            f"the spark-operator that watches {namespace} does not run: {_describe(watchers)}",
            expected="at least one replica that is available",
            fix=f"kubectl --namespace {first['metadata']['namespace']} describe "
            f"deployment {first['metadata']['name']}",
        )
    return f"{_describe(ready)} watches {namespace}"


def _controllers(cluster: Cluster) -> list[Manifest]:
    try:
        return cluster.select("apps/v1", "Deployment", _CONTROLLER, everywhere=True)
    except AccessDeniedError as refusal:
        raise CannotCheckError(refusal.what) from refusal


def _watches(cluster: Cluster, controller: Manifest) -> bool:
    names, selectors = _namespaces(controller), _values(controller, _SELECTOR)
    # Without both it watches all; an empty name among others stands for all too.
    if cluster.namespace in names or "" in names or not (names or selectors):
        return True
    return any(_selected(cluster, selector) for selector in selectors)


def _namespaces(controller: Manifest) -> list[str]:
    """The namespaces that it watches by name; an empty name stands for all."""
    given = _values(controller, _NAMESPACES)
    return [part.strip('"') for text in given for part in text.split(",")]


def _values(controller: Manifest, option: str) -> list[str]:
    """The values of an option of the operator, which is given as `--option=value`."""
    containers = controller["spec"]["template"]["spec"]["containers"]
    arguments = [each for container in containers for each in container.get("args") or []]
    return [each.removeprefix(option) for each in arguments if each.startswith(option)]


def _selected(cluster: Cluster, selector: str) -> bool:
    try:
        selected = cluster.select("v1", "Namespace", selector)
    except AccessDeniedError as refusal:
        raise CannotCheckError(f"it watches by {selector!r}, and {refusal.what}") from refusal
    return cluster.namespace in [each["metadata"]["name"] for each in selected]


def _let_watch(controller: Manifest, namespace: str) -> str:
    """How this operator comes to watch one more namespace, and all that it watches now."""
    names = _namespaces(controller)
    if not names:
        selector = " and ".join(_values(controller, _SELECTOR))
        return f"kubectl label namespace {namespace} with what {selector!r} selects"
    return _upgrade(controller, _with(names, namespace))


def _with(names: list[str], namespace: str) -> str:
    """These namespaces and this one, as an argument of helm: its lists are replaced, not joined."""
    return f"spark.jobNamespaces={{{','.join(dict.fromkeys([*names, namespace]))}}}"


def _upgrade(controller: Manifest, *settings: str) -> str:
    """The command that changes these values of the operator's release, and nothing else of it."""
    metadata = controller["metadata"]
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    release = annotations.get("meta.helm.sh/release-name")
    if not release:
        # `helm template`, Argo CD, or another way to apply what the chart renders.
        name = f"{metadata['namespace']}/{metadata['name']}"
        return f"set {' and '.join(settings)} in the values that {name} is rendered from"
    # Its own version of the chart: a newer operator is not what is asked for.
    version = str(labels.get("helm.sh/chart", "")).removeprefix(f"{_CHART}-")
    words = ["helm", "upgrade", release, _CHART, "--repo", _REPOSITORY]
    words += ["--version", version] if version else []
    words += ["--namespace", annotations.get("meta.helm.sh/release-namespace", "default")]
    sets = [word for setting in settings for word in ("--set", setting)]
    return shlex.join([*words, _KEEP_VALUES, *sets])


def _describe(controllers: list[Manifest]) -> str:
    return ", ".join(
        f"{each['metadata']['namespace']}/{each['metadata']['name']} "
        f"({each['status'].get('availableReplicas') or 0} of {each['spec']['replicas']} available)"
        for each in controllers
    )


def webhook(context: ClientContext) -> str:
    """The operator's webhook answers and rejects a setting that is not allowed."""
    wrong = deepcopy(context.run.application)
    wrong["spec"]["sparkConf"][_REFUSED_SETTING] = "none"
    try:
        context.cluster.create(wrong, dry_run=True)
    except InvalidValueError as refusal:
        if _REFUSED_SETTING in refusal.what:
            return f"it rejects {_REFUSED_SETTING} in sparkConf"
        raise
    except AccessDeniedError as refusal:
        raise CannotCheckError(refusal.what) from refusal
    except TransportError as failure:
        raise _does_not_answer(failure) from failure
    raise MissingPrerequisiteError(
        f"a run with {_REFUSED_SETTING} in sparkConf would be taken",
        expected="a webhook of the spark-operator that refuses it",
        fix=_let_refuse(context.cluster),
    )


def _let_refuse(cluster: Cluster) -> str:
    """How the operator that watches the namespace, or another one, comes to have a webhook."""
    try:
        found = sorted(_controllers(cluster), key=lambda each: not _watches(cluster, each))
    except CannotCheckError:
        return f"helm upgrade the operator with {_KEEP_VALUES} --set webhook.enable=true"
    if not found:
        return INSTALL_OPERATOR
    names = _namespaces(found[0])
    by_name = [_with(names, cluster.namespace)] if names and "" not in names else []
    return _upgrade(found[0], "webhook.enable=true", *by_name)


def _does_not_answer(failure: TransportError) -> JobError:
    if _WEBHOOK_FAILS not in failure.what:
        return failure
    return MissingPrerequisiteError(
        failure.what,
        expected="an answer from the spark-operator's webhook; no run can be created without it",
        fix="kubectl get pods --all-namespaces --selector app.kubernetes.io/component=webhook",
    )
