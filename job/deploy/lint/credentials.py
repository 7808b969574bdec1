"""Credentials: roles on AWS, and secrets in places that others can read."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.iam import ROLE_ANNOTATION, ROLE_ARN
from job.deploy.lint.context import ROLES, LintContext, conf_key
from job.deploy.lint.finding import Finding, error, is_secret, warning

_EXPOSED = "anyone who may read a SparkApplication or a log can read it"
_FIX = "put it into a Secret (s3.credentials: secret, s3.secretName), or better use a role"


def secret_in_settings(context: LintContext) -> Iterator[Finding]:
    """A Spark setting holds a secret."""
    for setting, value in context.own_conf.items():
        if value and is_secret(setting, value):
            yield error(conf_key(setting), "(hidden)", _EXPOSED, _FIX)


def secret_in_arguments(context: LintContext) -> Iterator[Finding]:
    """The arguments hold a secret."""
    if any(is_secret("", argument) for argument in context.arguments.words):
        yield error("arguments", list(context.arguments.words), _EXPOSED, _FIX)


def secret_in_environment(context: LintContext) -> Iterator[Finding]:
    """An environment variable holds a secret as plain text."""
    for role in ROLES:
        for index, entry in enumerate(context.value(f"{role}.env")):
            if entry.get("value") and is_secret(entry["name"], entry["value"]):
                key = f"{role}.env.{index}.value"
                fix = f"give {entry['name']} a valueFrom with a secretKeyRef"
                yield error(key, "(hidden)", _EXPOSED, fix)


def irsa_without_role(context: LintContext) -> Iterator[Finding]:
    """IRSA is on, and a service account that the chart creates has no role."""
    if context.value("s3.credentials") != "irsa":
        return
    for role in ROLES:
        account = context.value(f"serviceAccounts.{role}")
        if account["create"] and ROLE_ANNOTATION not in account["annotations"]:
            yield error(
                f"serviceAccounts.{role}.annotations",
                dict(account["annotations"]),
                "with s3.credentials: irsa, pods access S3 with the role of their service account",
                f"annotate it with {ROLE_ANNOTATION}, or choose other s3.credentials",
            )


def invalid_role_arn(context: LintContext) -> Iterator[Finding]:
    """The role annotation of a service account is not the ARN of a role."""
    for role in ROLES:
        arn = context.value(f"serviceAccounts.{role}.annotations").get(ROLE_ANNOTATION)
        if arn is not None and not ROLE_ARN.fullmatch(arn):
            yield error(
                f"serviceAccounts.{role}.annotations",
                f"{ROLE_ANNOTATION}: {arn}",
                "STS only accepts the ARN of a role",
                "write arn:aws:iam::<12 digits>:role/<name>",
            )


def unused_role(context: LintContext) -> Iterator[Finding]:
    """A service account has a role, and its pods take other credentials."""
    chosen = context.value("s3.credentials")
    for role in ROLES:
        annotations = context.value(f"serviceAccounts.{role}.annotations")
        if chosen != "irsa" and ROLE_ANNOTATION in annotations:
            key = f"serviceAccounts.{role}.annotations"
            why = f"s3.credentials is {chosen}: this role is not used"
            yield warning(
                key, annotations[ROLE_ANNOTATION], why, "set s3.credentials: irsa, or leave it out"
            )


def unused_secret(context: LintContext) -> Iterator[Finding]:
    """`s3.secretName` is set, and `s3.credentials` is not `secret`."""
    name, chosen = context.value("s3.secretName"), context.value("s3.credentials")
    if name and chosen != "secret":
        why = f"s3.credentials is {chosen}: the Secret is not used"
        yield warning("s3.secretName", name, why, "set s3.credentials: secret, or leave it out")
