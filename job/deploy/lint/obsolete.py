"""Settings of older Spark and Hadoop versions that are still copied around."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import (
    CREDENTIALS,
    HADOOP,
    OLD_CLIENT_PREFIXES,
    known_settings,
    strip_bucket,
)

_S3GUARD = "S3Guard is gone from Hadoop since 3.4, because S3 is now consistent"
_SELECT = "S3 Select is gone from s3a since Hadoop 3.4.1"
_OLD_CLIENT = "Hadoop 3 has no s3 and no s3n client: the one client is s3a"
# Prefix: (why it is obsolete, what to do).
_S3A = {
    "fs.s3a.fast.upload": ("Hadoop 3 always uploads this way", "leave it out"),
    "fs.s3a.fast.buffer.size": ("Hadoop 3 uses the part size instead", "set fs.s3a.multipart.size"),
    "fs.s3a.s3guard.": (_S3GUARD, "leave it out"),
    "fs.s3a.metadatastore.": (_S3GUARD, "leave it out"),
    "fs.s3a.authoritative.path": (_S3GUARD, "leave it out"),
    "fs.s3a.select.": (_SELECT, "leave it out"),
    "fs.s3a.server-side-encryption-algorithm": (
        "Hadoop 3.3 renamed it",
        "set spark.hadoop.fs.s3a.encryption.algorithm",
    ),
    "fs.s3a.server-side-encryption.key": (
        "Hadoop 3.3 renamed it",
        "set spark.hadoop.fs.s3a.encryption.key",
    ),
    **dict.fromkeys(
        OLD_CLIENT_PREFIXES,
        (_OLD_CLIENT, "set the fs.s3a setting of the same name, if there is one"),
    ),
}
# How blocks are buffered can still be configured.
_NOT_OBSOLETE = ("fs.s3a.fast.upload.buffer", "fs.s3a.fast.upload.active.blocks")
_V1 = "com.amazonaws."
# CredentialProviderListFactory of Hadoop 3.4 translates only these four.
_V1_TRANSLATED = tuple(
    f"com.amazonaws.auth.{name}"
    for name in (
        "AnonymousAWSCredentials",
        "EC2ContainerCredentialsProviderWrapper",
        "EnvironmentVariableCredentialsProvider",
        "InstanceProfileCredentialsProvider",
    )
)
_ALGORITHM = HADOOP + "mapreduce.fileoutputcommitter.algorithm.version"


def obsolete_spark_setting(context: LintContext) -> Iterator[Finding]:
    """A setting that Spark has renamed, deprecated or removed."""
    for setting, value in context.own_conf.items():
        replacement = known_settings().obsolete.get(setting)
        if replacement is not None:
            yield warning(
                conf_key(setting), value, replacement, "use its replacement, or leave it out"
            )


def obsolete_s3a_setting(context: LintContext) -> Iterator[Finding]:
    """A setting that s3a has renamed or removed, such as `fs.s3a.fast.upload`."""
    for setting, value in context.own_conf.items():
        name = strip_bucket(setting).removeprefix(HADOOP)
        matches = [advice for prefix, advice in _S3A.items() if name.startswith(prefix)]
        if matches and setting.startswith(HADOOP) and name not in _NOT_OBSOLETE:
            why, fix = matches[0]
            yield warning(conf_key(setting), value, why, fix)


def sdk_v1_credentials(context: LintContext) -> Iterator[Finding]:
    """Credentials classes of AWS SDK v1, which Hadoop 3.4 does not include."""
    for setting, value in context.own_conf.items():
        if strip_bucket(setting) != CREDENTIALS:
            continue
        for name in map(str.strip, value.split(",")):
            if name in _V1_TRANSLATED:
                why = "this is a class of AWS SDK v1: Hadoop 3.4 replaces it with one of v2"
                yield warning(conf_key(setting), name, why, "leave it out and set s3.credentials")
            elif name.startswith(_V1):
                why = "Hadoop 3.4 only has AWS SDK v2: this class does not exist"
                yield error(conf_key(setting), name, why, "leave it out and set s3.credentials")


def file_committer_algorithm(context: LintContext) -> Iterator[Finding]:
    """`mapreduce.fileoutputcommitter.algorithm.version`: its committer is not in use."""
    value = context.own_conf.get(_ALGORITHM)
    if value is not None:
        unsafe = "; version 2 shows the output of failed tasks" if value == "2" else ""
        why = f"it configures the renaming committer, and the job uses the magic one{unsafe}"
        yield warning(conf_key(_ALGORITHM), value, why, "leave it out")
