"""The values, the cluster, and your permissions on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from job.checks import CannotCheckError
from job.deploy.doctor.context import ClientContext
from job.deploy.lint.context import Node
from job.deploy.lint.finding import Severity
from job.deploy.lint.runner import lint_chart
from job.deploy.render.helm import APPLICATION, Manifest
from job.deploy.submit import apply
from job.deploy.submit.api_errors import INSTALL_OPERATOR
from job.deploy.submit.cluster import plural_name
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    MissingPrerequisiteError,
    NoSuchObjectError,
)

ROLES = ("driver", "executor")


def values(context: ClientContext) -> str:
    """The values render, and `lint` finds no error in them."""
    findings = lint_chart(context.chart, Node(), context.cli)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidValueError(
            "; ".join(f"{finding.key}: {finding.why}" for finding in errors),
            fix="; ".join(finding.fix for finding in errors),
        )
    return f"lint finds no error, {len(findings)} warnings"


def api_server(context: ClientContext) -> str:
    """The API server of the kubeconfig's context answers."""
    version = context.cluster.version()
    return f"Kubernetes {version} at {context.cluster.host}"


def namespace(context: ClientContext) -> str:
    """The namespace exists."""
    name = context.cluster.namespace
    try:
        context.cluster.read("v1", "Namespace", name)
    except AccessDeniedError as refusal:
        # A user with all rights inside a namespace may still not read the namespace itself.
        return f"{name}, which you may not read ({refusal.what})"
    return name


def api_resources(context: ClientContext) -> str:
    """The cluster serves each kind of the chart, in the version that the chart uses."""
    required = {(manifest["apiVersion"], manifest["kind"]) for manifest in context.manifests}
    custom = sorted(pair for pair in required if "/" in pair[0])
    for api_version, kind in custom:
        if not context.cluster.has_kind(api_version, kind):
            raise _not_served_error(context, api_version, kind)
    return ", ".join(f"{kind} of {api_version}" for api_version, kind in custom)


def _not_served_error(
    context: ClientContext, api_version: str, kind: str
) -> MissingPrerequisiteError:
    group, _, version = api_version.partition("/")
    served = context.cluster.served_versions(group)
    others = f"; it serves {', '.join(served)} of {group}" if served else ""
    return MissingPrerequisiteError(
        f"the cluster has no {kind} of {api_version}{others}",
        expected=f"its custom resource definition, with version {version} served",
        fix=INSTALL_OPERATOR
        if kind.endswith(APPLICATION)
        else f"install the custom resource definition of {kind}",
    )


def permissions(context: ClientContext) -> str:
    """You may create and change each object of the chart."""
    denied = [
        f"{' and '.join(verbs)} {plural_name(manifest['kind'])}/{manifest['metadata']['name']}"
        for manifest in context.manifests
        if (verbs := _denied_verbs(context, manifest))
    ]
    denied += _escalations(context)
    if denied:
        raise AccessDeniedError(
            f"you may not {', '.join(denied)} in {context.cluster.namespace}",
            expected="these permissions for the user that `kubectl auth whoami` shows",
            fix="ask for them, or choose another --context or --namespace",
        )
    return f"{len(context.manifests)} objects may be created and changed"


def _denied_verbs(context: ClientContext, manifest: Manifest) -> list[str]:
    """The verbs that `submit` needs on an object and you may not use."""
    where = _group(manifest), plural_name(manifest["kind"]), manifest["metadata"]["name"]
    return [verb for verb in _verbs(manifest) if not context.cluster.can_i(verb, *where)]


def _verbs(manifest: Manifest) -> tuple[str, ...]:
    # A run is created and read, never changed; all other objects are applied.
    return ("create", "get") if manifest["kind"] == APPLICATION else ("create", "patch")


def _group(manifest: Manifest) -> str:
    group, slash, _ = str(manifest["apiVersion"]).partition("/")
    return group if slash else ""


def _escalations(context: ClientContext) -> Iterator[str]:
    """Roles that you may not create: Kubernetes only lets you grant what you may do yourself."""
    for role in (obj for obj in context.manifests if obj["kind"] == "Role"):
        name = role["metadata"]["name"]
        if not context.cluster.can_i("escalate", _group(role), plural_name("Role"), name):
            lacking = [
                " ".join(action[::2])
                for action in _allowed_actions(role)
                if not context.cluster.can_i(*action)
            ]
            if lacking:
                yield f"grant what Role {name} grants ({', '.join(lacking)})"


def _allowed_actions(role: Manifest) -> Iterator[tuple[str, str, str]]:
    """(verb, API group, resource) of everything that a Role allows."""
    for rule in role["rules"]:
        yield from product(rule["verbs"], rule["apiGroups"], rule["resources"])


def dry_run(context: ClientContext) -> str:
    """The server accepts each object of the chart in a dry run: quotas, policies."""
    for manifest in context.manifests:
        apply.dry_run(context.cluster, manifest)
    return f"{len(context.manifests)} objects would be accepted"


def service_accounts(context: ClientContext) -> str:
    """Service accounts that the chart does not create exist."""
    names = {role: context.spec[role]["serviceAccount"] for role in ROLES}
    external = {name for role, name in names.items() if context.service_account(role) is None}
    for name in sorted(external):
        _read(context, "ServiceAccount", name, f"kubectl create serviceaccount {name}")
    return f"{', '.join(sorted(external))} found" if external else "the chart creates them"


def credentials_secret(context: ClientContext) -> str:
    """Secrets that pods read environment variables from exist, with the right keys."""
    references = {reference for role in ROLES for reference in _secret_keys(context, role)}
    for name, key in sorted(references):
        command = f"kubectl create secret generic {name} --from-literal={key}=..."
        if key not in (_read(context, "Secret", name, command).get("data") or {}):
            raise MissingPrerequisiteError(
                f"the Secret {name} has no key {key}",
                expected=f"{key}, which pods read as an environment variable",
                fix=f"add it: kubectl edit secret {name}",
            )
    return (
        ", ".join(sorted({name for name, _ in references}))
        or "pods read no environment variable from a Secret"
    )


def _secret_keys(context: ClientContext, role: str) -> Iterator[tuple[str, str]]:
    (container,) = context.spec[role]["template"]["spec"]["containers"]
    for entry in container.get("env", []):
        reference = (entry.get("valueFrom") or {}).get("secretKeyRef")
        if reference and not reference.get("optional"):
            yield reference["name"], reference["key"]


def _read(context: ClientContext, kind: str, name: str, command: str) -> Manifest:
    try:
        return context.cluster.read("v1", kind, name)
    except AccessDeniedError as refusal:
        raise CannotCheckError(refusal.what) from refusal
    except NoSuchObjectError as missing:
        raise MissingPrerequisiteError(
            missing.what,
            expected=f"the {kind} {name} in {context.cluster.namespace}",
            fix=f"{command} --namespace {context.cluster.namespace}",
        ) from missing
