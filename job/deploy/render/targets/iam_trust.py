"""The trust policies of the roles that the chart names: who may assume them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from job.deploy.iam import ROLE_ANNOTATION, ROLE_ARN
from job.deploy.render.targets.common import Manifest, OmittedField

Policy = dict[str, Any]

# Version of the IAM policy language; the older one has no variables.
VERSION = "2012-10-17"
# Placeholders for what the chart does not know; the user replaces them.
ACCOUNT, PROVIDER = "ACCOUNT_ID", "OIDC_PROVIDER"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FIND_PROVIDER = (
    "`aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer` shows it "
    "after https://; pass it as --oidc-provider"
)
_FIND_ACCOUNT = (
    "`aws sts get-caller-identity` shows it; or annotate the service accounts with their role"
)
_NO_ROLE = "the run uses the keys of a user, not a role"


def trust_policies(
    application: Manifest,
    extra_objects: Sequence[Manifest],
    emr_job_run: Manifest | None,
    provider: str,
) -> tuple[dict[str, Policy], list[OmittedField]]:
    """Trust policies by file name, and the placeholders that they still have.

    `provider` is the cluster's OIDC provider without https://; empty if unknown.
    """
    credentials_provider = application["spec"]["sparkConf"].get(
        "spark.hadoop.fs.s3a.aws.credentials.provider", ""
    )
    provider = provider or PROVIDER
    if emr_job_run:
        documents = _emr_documents(application, emr_job_run["spec"]["executionRoleArn"], provider)
    elif credentials_provider.endswith("WebIdentityTokenFileCredentialsProvider"):
        documents = _irsa_documents(application, extra_objects, provider)
    elif credentials_provider.endswith("ContainerCredentialsProvider"):
        return {"trust.json": pod_identity_trust_policy()}, []
    else:
        return {}, [OmittedField("trust policy", _NO_ROLE)]
    return documents, _find_placeholders(documents)


def pod_identity_trust_policy() -> Policy:
    """EKS Pod Identity may assume the role, for the accounts of an association."""
    service = {"Service": "pods.eks.amazonaws.com"}
    return _document(service, ["sts:AssumeRole", "sts:TagSession"], {})


def irsa_trust_policy(role: str, provider: str, namespace: str, accounts: Sequence[str]) -> Policy:
    """Service accounts of a namespace may assume the role, with a token for STS."""
    names = [f"system:serviceaccount:{namespace}:{account}" for account in accounts]
    subject = {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": names}
    return _web_identity_document(role, provider, {"StringEquals": subject})


def emr_trust_policy(role: str, provider: str, namespace: str) -> Policy:
    """Service accounts of EMR may assume the role, as `update-role-trust-policy` writes it."""
    account, name = _part(role, "account"), encode_base36(_part(role, "name"))
    subject = f"system:serviceaccount:{namespace}:emr-containers-sa-*-*-{account}-{name}"
    return _web_identity_document(role, provider, {"StringLike": {f"{provider}:sub": subject}})


def encode_base36(name: str) -> str:
    """The bytes of a name as one base-36 number, which EMR uses in names of service accounts."""
    number, text = int.from_bytes(name.encode(), "big"), ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def _emr_documents(application: Manifest, role: str, provider: str) -> dict[str, Policy]:
    document = emr_trust_policy(role, provider, application["metadata"]["namespace"])
    return {_file_name(role): document}


def _irsa_documents(
    application: Manifest, extra_objects: Sequence[Manifest], provider: str
) -> dict[str, Policy]:
    """One trust policy for each role, with all service accounts that have it."""
    namespace, accounts_of = (
        application["metadata"]["namespace"],
        _accounts(application, extra_objects),
    )
    return {
        _file_name(role): irsa_trust_policy(role, provider, namespace, accounts)
        for role, accounts in accounts_of.items()
    }


def _accounts(application: Manifest, extra_objects: Sequence[Manifest]) -> dict[str, list[str]]:
    """{role ARN: service accounts} of driver and executors; unknown roles share the key ''."""
    annotations = {
        manifest["metadata"]["name"]: manifest["metadata"].get("annotations", {})
        for manifest in extra_objects
        if manifest["kind"] == "ServiceAccount"
    }
    by_role: dict[str, list[str]] = {}
    for part in ("driver", "executor"):
        account = application["spec"][part]["serviceAccount"]
        role = annotations.get(account, {}).get(ROLE_ANNOTATION, "")
        by_role.setdefault(role, []).append(account)
    return by_role


def _file_name(role: str) -> str:
    name = _part(role, "name")
    return f"trust-{name}.json" if name else "trust.json"


def _web_identity_document(role: str, provider: str, condition: Mapping[str, Any]) -> Policy:
    partition, account = _part(role, "partition") or "aws", _part(role, "account") or ACCOUNT
    principal = {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{provider}"}
    return _document(principal, ["sts:AssumeRoleWithWebIdentity"], condition)


def _document(
    principal: Mapping[str, str], actions: Sequence[str], condition: Mapping[str, Any]
) -> Policy:
    statement = {
        "Sid": "TakeRole",
        "Effect": "Allow",
        "Principal": dict(principal),
        "Action": list(actions),
        **({"Condition": dict(condition)} if condition else {}),
    }
    return {"Version": VERSION, "Statement": [statement]}


def _part(role: str, part: str) -> str:
    match = ROLE_ARN.fullmatch(role)
    return match[part] if match else ""


def _find_placeholders(documents: Mapping[str, Policy]) -> list[OmittedField]:
    """The placeholders that the documents still have, and how to find their values."""
    text = str(documents)
    placeholders = {PROVIDER: _FIND_PROVIDER, ACCOUNT: _FIND_ACCOUNT}
    return [OmittedField(name, how) for name, how in placeholders.items() if name in text]
