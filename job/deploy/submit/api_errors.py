"""Translates error responses of the Kubernetes API into JobErrors."""

from __future__ import annotations

import json
import re
from typing import Any

from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    JobError,
    MissingPrerequisiteError,
    NoSuchObjectError,
    TransportError,
)

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 401, 403, 404, 409, 429
INSTALL_OPERATOR = "install the kubeflow spark-operator: https://github.com/kubeflow/spark-operator"
_POOL_PREFIX = re.compile(r"^\w+\(.*?\): ")

_FIX_REJECTED = "correct the value that it names, or ask the owner of the quota or policy"


class ConflictError(InvalidValueError):
    """The object exists already, or another field manager owns some of its fields."""


def error_from_response(status: int, body: str, kind: str) -> JobError:
    """The error for an HTTP error response; `kind` is the requested kind."""
    message = _message(body)
    if status == NOT_FOUND:
        return _not_found(body, message, kind)
    if status == UNAUTHORIZED:
        return AccessDeniedError(
            f"the cluster does not know you: {message}",
            fix="log in again; `kubectl auth whoami` shows your identity",
        )
    if status == FORBIDDEN:
        return _forbidden(message)
    if status == CONFLICT:
        return ConflictError(
            message, fix="use another --release, whose objects no other manager owns"
        )
    if status == TOO_MANY or status >= 500:
        return TransportError(f"the cluster answers {status}: {message}", fix="try again later")
    return InvalidValueError(f"the cluster rejects {kind}: {message}", fix=_FIX_REJECTED)


def connection_error(host: str, problem: Exception) -> TransportError:
    """The error if there is no response."""
    # urllib3 puts its pool first; the kubernetes client keeps the TLS error in `reason`.
    reason = " ".join(str(getattr(problem, "reason", "") or problem).split())
    return TransportError(
        f"no answer from the cluster at {host}: {_POOL_PREFIX.sub('', reason)}",
        fix="check that `kubectl get --raw /version` answers; --context selects another cluster",
    )


def _not_found(body: str, message: str, kind: str) -> JobError:
    details = _status(body).get("details") or {}
    if details.get("kind") == "namespaces":
        return MissingPrerequisiteError(
            message, fix=f"kubectl create namespace {details.get('name')}"
        )
    # An API that is not installed answers with plain text instead of a Status with a name.
    if not details.get("name"):
        is_operator = kind.endswith("SparkApplication")
        fix = INSTALL_OPERATOR if is_operator else f"install the custom resource of {kind}"
        return MissingPrerequisiteError(f"the cluster has no kind {kind}", fix=fix)
    return NoSuchObjectError(message)


def _forbidden(message: str) -> JobError:
    # Webhooks and quotas answer 403 too, which is not a lack of permissions.
    if " cannot " not in message:
        return InvalidValueError(f"the cluster rejects it: {message}", fix=_FIX_REJECTED)
    return AccessDeniedError(
        f"not allowed: {message}", fix="ask for that permission, or choose another --namespace"
    )


def _message(body: str) -> str:
    return " ".join(str(_status(body).get("message") or body or "no reason given").split())[:500]


def _status(body: str) -> dict[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
