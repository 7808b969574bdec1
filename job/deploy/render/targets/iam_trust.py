"""Who may take the role of a run: a trust policy for each role that the chart names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from job.deploy.iam import ROLE_ANNOTATION, ROLE_ARN
from job.deploy.render.targets.common import LeftOut, Manifest

Policy = dict[str, Any]

# Of IAM's language; the one before it has no variables.
VERSION = "2012-10-17"
# Where the chart does not say it, for a person to put in.
ACCOUNT, PROVIDER = "ACCOUNT_ID", "OIDC_PROVIDER"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PROVIDER_OF = (
    "`aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer` has it "
    "after https://; give it as --oidc-provider"
)
_ACCOUNT_OF = "`aws sts get-caller-identity` has it; or annotate the accounts with their role"
_BY_KEYS = "the run has the keys of a user, and nobody takes a role"


def trusts(
    application: Manifest, beside: Sequence[Manifest], asked: Manifest | None, provider: str
) -> tuple[dict[str, Policy], list[LeftOut]]:
    """Trust policies by file name, and what in them is left for a person to put in.

    `provider` is the cluster's OIDC provider without https://, empty where it is not known.
    """
    chosen = application["spec"]["sparkConf"].get(
        "spark.hadoop.fs.s3a.aws.credentials.provider", ""
    )
    provider = provider or PROVIDER
    if asked:
        found = _of_emr(application, asked["spec"]["executionRoleArn"], provider)
    elif chosen.endswith("WebIdentityTokenFileCredentialsProvider"):
        found = _of_irsa(application, beside, provider)
    elif chosen.endswith("ContainerCredentialsProvider"):
        return {"trust.json": pod_identity()}, []
    else:
        return {}, [LeftOut("trust policy", _BY_KEYS)]
    return found, _open(found)


def pod_identity() -> Policy:
    """EKS's agent may take the role, for the accounts that an association names."""
    service = {"Service": "pods.eks.amazonaws.com"}
    return _document(service, ["sts:AssumeRole", "sts:TagSession"], {})


def irsa(role: str, provider: str, namespace: str, accounts: Sequence[str]) -> Policy:
    """These accounts of a namespace may take the role, with a token made for STS."""
    names = [f"system:serviceaccount:{namespace}:{account}" for account in accounts]
    subject = {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": names}
    return _by_token(role, provider, {"StringEquals": subject})


def emr(role: str, provider: str, namespace: str) -> Policy:
    """The accounts that EMR makes for this role; `update-role-trust-policy` writes the same."""
    account, name = _part(role, "account"), base36(_part(role, "name"))
    subject = f"system:serviceaccount:{namespace}:emr-containers-sa-*-*-{account}-{name}"
    return _by_token(role, provider, {"StringLike": {f"{provider}:sub": subject}})


def base36(name: str) -> str:
    """The bytes of a name as one number to the base 36, as EMR puts it into names of accounts."""
    number, text = int.from_bytes(name.encode(), "big"), ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def _of_emr(application: Manifest, role: str, provider: str) -> dict[str, Policy]:
    document = emr(role, provider, application["metadata"]["namespace"])
    return {_file(role): document}


def _of_irsa(application: Manifest, beside: Sequence[Manifest], provider: str) -> dict[str, Policy]:
    """One trust policy for each role, with all accounts that have it."""
    namespace, accounts_of = application["metadata"]["namespace"], _accounts(application, beside)
    return {
        _file(role): irsa(role, provider, namespace, accounts)
        for role, accounts in accounts_of.items()
    }


def _accounts(application: Manifest, beside: Sequence[Manifest]) -> dict[str, list[str]]:
    """The accounts of driver and executors by role; those of no role known share one."""
    annotations = {
        each["metadata"]["name"]: each["metadata"].get("annotations", {})
        for each in beside
        if each["kind"] == "ServiceAccount"
    }
    found: dict[str, list[str]] = {}
    for part in ("driver", "executor"):
        account = application["spec"][part]["serviceAccount"]
        role = annotations.get(account, {}).get(ROLE_ANNOTATION, "")
        found.setdefault(role, []).append(account)
    return found


def _file(role: str) -> str:
    name = _part(role, "name")
    return f"trust-{name}.json" if name else "trust.json"


def _by_token(role: str, provider: str, condition: Mapping[str, Any]) -> Policy:
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
    found = ROLE_ARN.fullmatch(role)
    return found[part] if found else ""


def _open(documents: Mapping[str, Policy]) -> list[LeftOut]:
    """The placeholders that the documents still have, and where a person finds what they are."""
    text = str(documents)
    asked = {PROVIDER: _PROVIDER_OF, ACCOUNT: _ACCOUNT_OF}
    return [LeftOut(name, how) for name, how in asked.items() if name in text]
