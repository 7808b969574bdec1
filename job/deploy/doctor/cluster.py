"""The values, the cluster that they are for, and what you may do there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from job.checks import CannotLookError
from job.deploy.doctor.context import Outside
from job.deploy.lint.context import Node
from job.deploy.lint.finding import Severity
from job.deploy.lint.runner import findings
from job.deploy.render.helm import APPLICATION, Manifest
from job.deploy.submit import apply
from job.deploy.submit.api_errors import OPERATOR
from job.deploy.submit.cluster import plural
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    MissingPrerequisiteError,
    NoSuchObjectError,
)

ROLES = ("driver", "executor")


def values(subject: Outside) -> str:
    """The values render, and `lint` finds no error in them."""
    found = findings(subject.chart, Node(), subject.cli)
    errors = [each for each in found if each.severity is Severity.ERROR]
    if errors:
        raise InvalidValueError(
            "; ".join(f"{each.key}: {each.why}" for each in errors),
            fix="; ".join(each.fix for each in errors),
        )
    return f"lint finds no error, {len(found)} warnings"


def context(subject: Outside) -> str:
    """The API server of the kubeconfig's context answers."""
    version = subject.cluster.version()
    return f"Kubernetes {version} at {subject.cluster.host}"


def namespace(subject: Outside) -> str:
    """The namespace is there."""
    name = subject.cluster.namespace
    try:
        subject.cluster.read("v1", "Namespace", name)
    except AccessDeniedError as refusal:
        # Who may do all that is needed in a namespace may still not read it.
        return f"{name}, which cannot be seen from here ({refusal.what})"
    return name


def kinds(subject: Outside) -> str:
    """Each kind of the chart is served in the version that the chart has."""
    wanted = {(each["apiVersion"], each["kind"]) for each in subject.manifests}
    custom = sorted(pair for pair in wanted if "/" in pair[0])
    for api_version, kind in custom:
        if not subject.cluster.knows(api_version, kind):
            raise _not_served(subject, api_version, kind)
    return ", ".join(f"{kind} of {api_version}" for api_version, kind in custom)


def _not_served(subject: Outside, api_version: str, kind: str) -> MissingPrerequisiteError:
    group, _, version = api_version.partition("/")
    served = subject.cluster.versions(group)
    others = f"; of {group} there is {', '.join(served)}" if served else ""
    return MissingPrerequisiteError(
        f"the cluster has no {kind} of {api_version}{others}",
        expected=f"its custom resource definition, with version {version} served",
        fix=OPERATOR if kind.endswith(APPLICATION) else f"install what brings {kind}",
    )


def rights(subject: Outside) -> str:
    """You may create and change each object of the chart."""
    refused = [
        f"{' and '.join(verbs)} {plural(each['kind'])}/{each['metadata']['name']}"
        for each in subject.manifests
        if (verbs := _refused(subject, each))
    ]
    refused += _refused_to_give(subject)
    if refused:
        raise AccessDeniedError(
            f"you may not {', '.join(refused)} in {subject.cluster.namespace}",
            expected="these rights for whom `kubectl auth whoami` shows",
            fix="ask for them, or choose another --context or --namespace",
        )
    return f"{len(subject.manifests)} objects may be made and changed"


def _refused(subject: Outside, manifest: Manifest) -> list[str]:
    """What you may not do with an object, of what is done with it."""
    where = _group(manifest), plural(manifest["kind"]), manifest["metadata"]["name"]
    return [verb for verb in _verbs(manifest) if not subject.cluster.may(verb, *where)]


def _verbs(manifest: Manifest) -> tuple[str, ...]:
    # A run is created and looked for, never changed; all else is applied.
    return ("create", "get") if manifest["kind"] == APPLICATION else ("create", "patch")


def _group(manifest: Manifest) -> str:
    group, slash, _ = str(manifest["apiVersion"]).partition("/")
    return group if slash else ""


def _refused_to_give(subject: Outside) -> Iterator[str]:
    """What a Role of the chart allows and you lack: nobody may give what they do not have."""
    for role in (each for each in subject.manifests if each["kind"] == "Role"):
        name = role["metadata"]["name"]
        if not subject.cluster.may("escalate", _group(role), plural("Role"), name):
            lacking = [
                " ".join(each[::2]) for each in _given(role) if not subject.cluster.may(*each)
            ]
            if lacking:
                yield f"give what Role {name} gives ({', '.join(lacking)})"


def _given(role: Manifest) -> Iterator[tuple[str, str, str]]:
    """Verb, API group and resource of all that a Role allows."""
    for rule in role["rules"]:
        yield from product(rule["verbs"], rule["apiGroups"], rule["resources"])


def objects(subject: Outside) -> str:
    """The server would take each object of the chart (dry run): rights, quotas, policies."""
    for manifest in subject.manifests:
        apply.try_out(subject.cluster, manifest)
    return f"{len(subject.manifests)} objects would be taken"


def accounts(subject: Outside) -> str:
    """Service accounts that the chart does not make are there."""
    names = {role: subject.spec[role]["serviceAccount"] for role in ROLES}
    elsewhere = {name for role, name in names.items() if subject.account(role) is None}
    for name in sorted(elsewhere):
        _read(subject, "ServiceAccount", name, f"kubectl create serviceaccount {name}")
    return f"{', '.join(sorted(elsewhere))} found" if elsewhere else "the chart makes its own"


def credentials_secret(subject: Outside) -> str:
    """Secrets that pods take variables from are there, with the keys that are asked for."""
    wanted = {key for role in ROLES for key in _secret_keys(subject, role)}
    for name, key in sorted(wanted):
        make = f"kubectl create secret generic {name} --from-literal={key}=..."
        if key not in (_read(subject, "Secret", name, make).get("data") or {}):
            raise MissingPrerequisiteError(
                f"the Secret {name} has no key {key}",
                expected=f"{key}, which pods take as a variable",
                fix=f"add it: kubectl edit secret {name}",
            )
    return ", ".join(sorted({name for name, _ in wanted})) or "pods take no variable from a Secret"


def _secret_keys(subject: Outside, role: str) -> Iterator[tuple[str, str]]:
    (container,) = subject.spec[role]["template"]["spec"]["containers"]
    for entry in container.get("env", []):
        reference = (entry.get("valueFrom") or {}).get("secretKeyRef")
        if reference and not reference.get("optional"):
            yield reference["name"], reference["key"]


def _read(subject: Outside, kind: str, name: str, make: str) -> Manifest:
    try:
        return subject.cluster.read("v1", kind, name)
    except AccessDeniedError as refusal:
        raise CannotLookError(refusal.what) from refusal
    except NoSuchObjectError as missing:
        raise MissingPrerequisiteError(
            missing.what,
            expected=f"the {kind} {name} in {subject.cluster.namespace}",
            fix=f"{make} --namespace {subject.cluster.namespace}",
        ) from missing
