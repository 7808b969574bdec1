"""Who the run is on AWS, and secrets where everybody reads them."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.iam import ROLE_ANNOTATION, ROLE_ARN
from job.deploy.lint.context import ROLES, Subject, conf_key
from job.deploy.lint.finding import Finding, error, holds_secret, warning

_SHOWN = "whoever may read a SparkApplication or a log would read it"
_FIX = "put it into a Secret: s3.credentials: secret and s3.secretName, or better a role"


def secret_in_settings(subject: Subject) -> Iterator[Finding]:
    """A secret in a Spark setting."""
    for setting, value in subject.own_conf.items():
        if value and holds_secret(setting, value):
            yield error(conf_key(setting), "(hidden)", _SHOWN, _FIX)


def secret_in_arguments(subject: Subject) -> Iterator[Finding]:
    """A secret in the arguments."""
    if any(holds_secret("", each) for each in subject.arguments.given):
        yield error("arguments", list(subject.arguments.given), _SHOWN, _FIX)


def secret_in_environment(subject: Subject) -> Iterator[Finding]:
    """A secret as the plain value of a variable."""
    for role in ROLES:
        for place, entry in enumerate(subject.value(f"{role}.env")):
            if entry.get("value") and holds_secret(entry["name"], entry["value"]):
                key = f"{role}.env.{place}.value"
                fix = f"give {entry['name']} a valueFrom with a secretKeyRef"
                yield error(key, "(hidden)", _SHOWN, fix)


def irsa_without_role(subject: Subject) -> Iterator[Finding]:
    """IRSA with an account that the chart makes and that has no role."""
    if subject.value("s3.credentials") != "irsa":
        return
    for role in ROLES:
        account = subject.value(f"serviceAccounts.{role}")
        if account["create"] and ROLE_ANNOTATION not in account["annotations"]:
            yield error(
                f"serviceAccounts.{role}.annotations",
                dict(account["annotations"]),
                "with s3.credentials: irsa the account's role is who reads and writes on S3",
                f"annotate it with {ROLE_ANNOTATION}, or choose other s3.credentials",
            )


def role_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A role of an account that is no ARN of a role."""
    for role in ROLES:
        arn = subject.value(f"serviceAccounts.{role}.annotations").get(ROLE_ANNOTATION)
        if arn is not None and not ROLE_ARN.fullmatch(arn):
            yield error(
                f"serviceAccounts.{role}.annotations",
                f"{ROLE_ANNOTATION}: {arn}",
                "STS refuses what is no ARN of a role",
                "write arn:aws:iam::<12 digits>:role/<name>",
            )


def role_that_is_not_used(subject: Subject) -> Iterator[Finding]:
    """A role on an account whose pods take their credentials from elsewhere."""
    chosen = subject.value("s3.credentials")
    for role in ROLES:
        annotations = subject.value(f"serviceAccounts.{role}.annotations")
        if chosen != "irsa" and ROLE_ANNOTATION in annotations:
            key = f"serviceAccounts.{role}.annotations"
            why = f"s3.credentials is {chosen}: nobody takes this role"
            yield warning(
                key, annotations[ROLE_ANNOTATION], why, "set s3.credentials: irsa, or leave it"
            )


def secret_that_is_not_used(subject: Subject) -> Iterator[Finding]:
    """`s3.secretName` with credentials that are not from a Secret."""
    name, chosen = subject.value("s3.secretName"), subject.value("s3.credentials")
    if name and chosen != "secret":
        why = f"s3.credentials is {chosen}: nobody reads the Secret"
        yield warning("s3.secretName", name, why, "set s3.credentials: secret, or leave it out")
