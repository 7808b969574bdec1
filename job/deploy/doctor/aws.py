"""S3 and IAM, with your own credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from job.checks import CannotCheckError
from job.deploy.doctor.cluster import ROLES
from job.deploy.doctor.context import ClientContext
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
from job.quantities import parse_endpoint
from job.s3_address import is_ip
from job.s3_uri import parse_s3_uri

_SECONDS = 5
_ASSUME = "sts:AssumeRoleWithWebIdentity"
_AUDIENCE = "sts.amazonaws.com"
_CLUSTER_NAMES = (".svc", ".svc.cluster.local")


def bucket(context: ClientContext) -> str:
    """Each bucket of the run exists and is in `s3.region`."""
    endpoint = context.values["s3"]["endpoint"]
    if endpoint.rpartition(":")[0].endswith(_CLUSTER_NAMES):
        raise CannotCheckError(
            f"{endpoint} is only known inside the cluster; `helm test` checks it"
        )
    aws = _s3(context)
    checked = [_check_bucket(aws, name, context.values["s3"]) for name in _buckets(context)]
    return ", ".join(checked) or "the run uses no bucket"


def _s3(context: ClientContext) -> Aws:
    from botocore.config import Config

    s3 = context.values["s3"]
    region, endpoint = s3["region"] or None, s3["endpoint"] or None
    uses_path_style = s3["pathStyle"] or is_ip(parse_endpoint(s3["endpoint"]).hostname or "")
    config = Config(
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 2},
        # As the run will ask it.
        s3={"addressing_style": "path" if uses_path_style else "virtual"},
    )
    return context.aws(region_name=region, endpoint_url=endpoint, config=config)


def _buckets(context: ClientContext) -> list[str]:
    """The distinct buckets of the job's arguments and of the Spark settings."""
    options = job_arguments(
        context.cli, context.values["command"], context.values["arguments"]
    ).options
    texts = [*options.values(), *context.spec["sparkConf"].values()]
    buckets = (parse_s3_uri(text)[0] for text in texts if isinstance(text, str))
    return list(dict.fromkeys(filter(None, buckets)))


def _check_bucket(aws: Aws, name: str, s3: Mapping[str, Any]) -> str:
    try:
        answer = aws.call("s3", "list_objects_v2", Bucket=name, MaxKeys=1)
    except NoSuchObjectError as missing:
        raise InputNotFoundError(
            f"the bucket {name} does not exist",
            expected="a bucket",
            fix="check its name, s3.endpoint and s3.region",
        ) from missing
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotCheckError(f"{name}: {refusal.what}") from refusal
    region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    if region and s3["region"] and not s3["endpoint"] and region != s3["region"]:
        raise InvalidValueError(
            f"the bucket {name} is in {region}, and s3.region is {s3['region']}",
            expected="one region for the buckets and the cluster",
            fix=f"set s3.region: {region}",
        )
    return f"{name} exists"


def role_trust(context: ClientContext) -> str:
    """The role of each service account exists and trusts the account (IRSA)."""
    if context.values["s3"]["credentials"] != "irsa":
        raise CannotCheckError(f"s3.credentials is {context.values['s3']['credentials']}: no IRSA")
    return ", ".join(dict.fromkeys(_check_trust(context, role) for role in ROLES))


def _check_trust(context: ClientContext, role: str) -> str:
    account, arn = context.spec[role]["serviceAccount"], _role_arn(context, role)
    match = ROLE_ARN.fullmatch(arn)
    if match is None:
        raise InvalidValueError(
            f"the service account {account} is annotated with {arn or 'no role'}",
            expected=f"{ROLE_ANNOTATION}: arn:aws:iam::<account>:role/<name>",
            fix=f"set serviceAccounts.{role}.annotations",
        )
    identity = f"system:serviceaccount:{context.cluster.namespace}:{account}"
    if not any(
        _allows_assume_role(statement, identity)
        for statement in _statements(context, match["name"])
    ):
        raise AccessDeniedError(
            f"the role {match['name']} does not trust {identity}",
            expected=f"a trust policy that allows {_ASSUME} to it, with the audience {_AUDIENCE}",
            fix="aws iam update-assume-role-policy; the condition key is <issuer>:sub",
        )
    return f"{match['name']} trusts {account}"


def _role_arn(context: ClientContext, role: str) -> str:
    account = context.service_account(role)
    if account is None:
        name = context.spec[role]["serviceAccount"]
        try:
            account = context.cluster.read("v1", "ServiceAccount", name)
        except AccessDeniedError as refusal:
            raise CannotCheckError(refusal.what) from refusal
    return str((account["metadata"].get("annotations") or {}).get(ROLE_ANNOTATION, ""))


def _statements(context: ClientContext, role_name: str) -> Sequence[Mapping[str, Any]]:
    try:
        answer = context.aws().call("iam", "get_role", RoleName=role_name)
    except (AccessDeniedError, TransportError) as refusal:
        raise CannotCheckError(
            f"the trust policy of {role_name} cannot be read: {refusal.what}"
        ) from refusal
    statements = answer["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _allows_assume_role(statement: Mapping[str, Any], identity: str) -> bool:
    """Whether a statement lets the service account assume the role: all conditions must hold."""
    actions = _as_list(statement.get("Action", []))
    if statement["Effect"] != "Allow" or not any(
        fnmatchcase(_ASSUME, action) for action in actions
    ):
        return False
    if not any(":oidc-provider/" in provider for provider in _providers(statement)):
        return False
    expected_values = {"sub": identity, "aud": _AUDIENCE}
    return all(
        _matches(operator, values, expected_values.get(key.rpartition(":")[2], ""))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _providers(statement: Mapping[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal", {})
    if isinstance(principal, dict):
        yield from _as_list(principal.get("Federated", []))


def _matches(operator: str, values: Any, text: str) -> bool:
    """Whether a condition holds, for the operators that trust policies of IRSA use."""
    if operator.endswith("StringLike"):
        return any(fnmatchcase(text, value) for value in _as_list(values))
    return operator.endswith("StringEquals") and text in _as_list(values)


def _as_list(one_or_more: Any) -> list[str]:
    return list(one_or_more) if isinstance(one_or_more, list) else [str(one_or_more)]
