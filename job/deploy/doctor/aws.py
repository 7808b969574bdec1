"""S3 and IAM, as far as your own credentials may look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from job.checks import CannotLookError
from job.deploy.doctor.cluster import ROLES
from job.deploy.doctor.context import Outside
from job.deploy.iam import ROLE_ANNOTATION, ROLE_ARN
from job.deploy.submit.emr.aws import Aws
from job.errors import (
    AccessDeniedError,
    InputNotFoundError,
    InvalidValueError,
    NoSuchObjectError,
    TransportError,
)
from job.job_arguments import job_arguments
from job.s3_uri import location

_SECONDS = 5
_ASSUME = "sts:AssumeRoleWithWebIdentity"
_AUDIENCE = "sts.amazonaws.com"
_CLUSTER_NAMES = (".svc", ".svc.cluster.local")


def bucket(subject: Outside) -> str:
    """Each bucket that the run is told of is there, and in `s3.region`."""
    endpoint = subject.values["s3"]["endpoint"]
    if endpoint.rpartition(":")[0].endswith(_CLUSTER_NAMES):
        raise CannotLookError(f"{endpoint} is known inside the cluster only; `helm test` looks")
    aws = _s3(subject)
    found = [_there(aws, name, subject.values["s3"]) for name in _buckets(subject)]
    return ", ".join(found) or "the run is told of no bucket"


def _s3(subject: Outside) -> Aws:
    from botocore.config import Config

    s3 = subject.values["s3"]
    config = Config(
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 2},
        s3={"addressing_style": "path" if s3["pathStyle"] else "auto"},
    )
    region, endpoint = s3["region"] or None, s3["endpoint"] or None
    return subject.aws(region_name=region, endpoint_url=endpoint, config=config)


def _buckets(subject: Outside) -> list[str]:
    """The buckets of the job's arguments and of Spark's settings, each once."""
    options = job_arguments(
        subject.cli, subject.values["command"], subject.values["arguments"]
    ).options
    texts = [*options.values(), *subject.spec["sparkConf"].values()]
    found = (location(text)[0] for text in texts if isinstance(text, str))
    return list(dict.fromkeys(filter(None, found)))


def _there(aws: Aws, name: str, s3: Mapping[str, Any]) -> str:
    try:
        answer = aws.ask("s3", "list_objects_v2", Bucket=name, MaxKeys=1)
    except NoSuchObjectError as missing:
        raise InputNotFoundError(
            f"the bucket {name} does not exist",
            expected="a bucket",
            fix="check its name, s3.endpoint and s3.region",
        ) from missing
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotLookError(f"{name}: {refusal.what}") from refusal
    region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    if region and s3["region"] and not s3["endpoint"] and region != s3["region"]:
        raise InvalidValueError(
            f"the bucket {name} is in {region}, and s3.region is {s3['region']}",
            expected="one region for the buckets and the cluster",
            fix=f"set s3.region: {region}",
        )
    return f"{name} is there"


def role_trust(subject: Outside) -> str:
    """The role of each service account exists and trusts it (IRSA)."""
    if subject.values["s3"]["credentials"] != "irsa":
        raise CannotLookError(f"s3.credentials is {subject.values['s3']['credentials']}: no IRSA")
    return ", ".join(dict.fromkeys(_trusted(subject, role) for role in ROLES))


def _trusted(subject: Outside, role: str) -> str:
    account, arn = subject.spec[role]["serviceAccount"], _role_of(subject, role)
    found = ROLE_ARN.fullmatch(arn)
    if found is None:
        raise InvalidValueError(
            f"the service account {account} is annotated with {arn or 'no role'}",
            expected=f"{ROLE_ANNOTATION}: arn:aws:iam::<account>:role/<name>",
            fix=f"set serviceAccounts.{role}.annotations",
        )
    identity = f"system:serviceaccount:{subject.cluster.namespace}:{account}"
    if not any(_allows(each, identity) for each in _statements(subject, found["name"])):
        raise AccessDeniedError(
            f"the role {found['name']} does not trust {identity}",
            expected=f"a statement of its trust policy that allows {_ASSUME} to it, with the "
            f"audience {_AUDIENCE}",
            fix="aws iam update-assume-role-policy; the condition is <issuer>:sub",
        )
    return f"{found['name']} trusts {account}"


def _role_of(subject: Outside, role: str) -> str:
    account = subject.account(role)
    if account is None:
        name = subject.spec[role]["serviceAccount"]
        try:
            account = subject.cluster.read("v1", "ServiceAccount", name)
        except AccessDeniedError as refusal:
            raise CannotLookError(refusal.what) from refusal
    return str((account["metadata"].get("annotations") or {}).get(ROLE_ANNOTATION, ""))


def _statements(subject: Outside, role_name: str) -> Sequence[Mapping[str, Any]]:
    try:
        answer = subject.aws().ask("iam", "get_role", RoleName=role_name)
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotLookError(
            f"the trust policy of {role_name} cannot be read: {refusal.what}"
        ) from refusal
    statements = answer["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _allows(statement: Mapping[str, Any], identity: str) -> bool:
    """Whether a statement lets an account take the role: all of its conditions must hold."""
    actions = _many(statement.get("Action", []))
    if statement["Effect"] != "Allow" or not any(fnmatchcase(_ASSUME, each) for each in actions):
        return False
    if not any(":oidc-provider/" in each for each in _providers(statement)):
        return False
    wanted = {"sub": identity, "aud": _AUDIENCE}
    return all(
        _matches(operator, values, wanted.get(key.rpartition(":")[2], ""))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _providers(statement: Mapping[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal", {})
    if isinstance(principal, dict):
        yield from _many(principal.get("Federated", []))


def _matches(operator: str, values: Any, text: str) -> bool:
    """Of the operators of IAM those that trust policies of accounts are written with."""
    if operator.endswith("StringLike"):
        return any(fnmatchcase(text, each) for each in _many(values))
    return operator.endswith("StringEquals") and text in _many(values)


def _many(one_or_more: Any) -> list[str]:
    return list(one_or_more) if isinstance(one_or_more, list) else [str(one_or_more)]
