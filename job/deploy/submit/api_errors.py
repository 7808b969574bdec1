"""What a cluster answers in place of what was asked for, as errors that a person can mend."""

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
OPERATOR = "install the kubeflow spark-operator: https://github.com/kubeflow/spark-operator"
_POOL = re.compile(r"^\w+\(.*?\): ")

_WHO_REFUSES = "mend the value that it names, or ask who set the quota or policy"


class ConflictError(InvalidValueError):
    """The object is there already, or some of its fields belong to somebody else."""


def refused(status: int, body: str, kind: str) -> JobError:
    """The error for an HTTP answer that is none of success; `kind` is what was asked for."""
    said = _message(body)
    if status == NOT_FOUND:
        return _not_found(body, said, kind)
    if status == UNAUTHORIZED:
        return AccessDeniedError(
            f"the cluster does not know you: {said}",
            fix="log in again; `kubectl auth whoami` shows as whom",
        )
    if status == FORBIDDEN:
        return _forbidden(said)
    if status == CONFLICT:
        return ConflictError(
            said, fix="another --release leaves alone what this one shares with somebody"
        )
    if status == TOO_MANY or status >= 500:
        return TransportError(f"the cluster answers {status}: {said}", fix="try again later")
    return InvalidValueError(f"the cluster refuses {kind}: {said}", fix=_WHO_REFUSES)


def unreachable(host: str, problem: Exception) -> TransportError:
    """The error for no answer at all."""
    # urllib3 begins with its pool; the kubernetes client keeps what TLS said in `reason`.
    told = " ".join(str(getattr(problem, "reason", "") or problem).split())
    return TransportError(
        f"no answer from the cluster at {host}: {_POOL.sub('', told)}",
        fix="see whether `kubectl get --raw /version` answers; --context chooses another cluster",
    )


def _not_found(body: str, said: str, kind: str) -> JobError:
    details = _status(body).get("details") or {}
    if details.get("kind") == "namespaces":
        return MissingPrerequisiteError(said, fix=f"kubectl create namespace {details.get('name')}")
    # An API that is not installed answers with a page of text, not with a Status that has a name.
    if not details.get("name"):
        what = OPERATOR if kind.endswith("SparkApplication") else f"install what brings {kind}"
        return MissingPrerequisiteError(f"the cluster has no kind {kind}", fix=what)
    return NoSuchObjectError(said)


def _forbidden(said: str) -> JobError:
    # Webhooks answer 403 too, and so do quotas: those are no lack of rights.
    if " cannot " not in said:
        return InvalidValueError(f"the cluster refuses: {said}", fix=_WHO_REFUSES)
    return AccessDeniedError(
        f"not allowed: {said}", fix="ask for that right, or choose another --namespace"
    )


def _message(body: str) -> str:
    return " ".join(str(_status(body).get("message") or body or "no reason given").split())[:500]


def _status(body: str) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
