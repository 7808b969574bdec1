"""Settings of older Sparks and Hadoops that are still copied from page to page."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import CREDENTIALS, HADOOP, OLD_CLIENTS, known, without_bucket

_S3GUARD = "S3Guard is gone from Hadoop since 3.4, as S3 is consistent by itself"
_SELECT = "S3 Select is gone from s3a since Hadoop 3.4.1"
_OLD_CLIENT = "Hadoop 3 has no s3 and no s3n client: the one client is s3a"
# Beginnings of names: why nobody needs them, and what to do.
_S3A = {
    "fs.s3a.fast.upload": ("Hadoop 3 always uploads in this way", "leave it out"),
    "fs.s3a.fast.buffer.size": ("Hadoop 3 takes the size of a part", "set fs.s3a.multipart.size"),
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
    **dict.fromkeys(OLD_CLIENTS, (_OLD_CLIENT, "set the fs.s3a setting of that name, if any")),
}
# How a block is buffered is still a choice.
_NOT_OBSOLETE = ("fs.s3a.fast.upload.buffer", "fs.s3a.fast.upload.active.blocks")
_V1 = "com.amazonaws."
# CredentialProviderListFactory of Hadoop 3.4 translates these four, and no others.
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


def obsolete_spark_setting(subject: Subject) -> Iterator[Finding]:
    """A setting that Spark has renamed, deprecated or removed."""
    for setting, value in subject.own_conf.items():
        became = known().obsolete.get(setting)
        if became is not None:
            yield warning(conf_key(setting), value, became, "use what replaced it, or leave it out")


def obsolete_s3a_setting(subject: Subject) -> Iterator[Finding]:
    """A setting that s3a no longer reads, such as `fs.s3a.fast.upload`, or that has a new name."""
    for setting, value in subject.own_conf.items():
        name = without_bucket(setting).removeprefix(HADOOP)
        found = [words for beginning, words in _S3A.items() if name.startswith(beginning)]
        if found and setting.startswith(HADOOP) and name not in _NOT_OBSOLETE:
            why, fix = found[0]
            yield warning(conf_key(setting), value, why, fix)


def sdk_v1_credentials(subject: Subject) -> Iterator[Finding]:
    """Credentials classes of the first AWS SDK, which Hadoop 3.4 does not bring."""
    for setting, value in subject.own_conf.items():
        if without_bucket(setting) != CREDENTIALS:
            continue
        for name in map(str.strip, value.split(",")):
            if name in _V1_TRANSLATED:
                why = "a class of the first AWS SDK: Hadoop 3.4 puts one of the second in its place"
                yield warning(conf_key(setting), name, why, "leave it out and set s3.credentials")
            elif name.startswith(_V1):
                why = "Hadoop 3.4 has the second AWS SDK only: this class is not there"
                yield error(conf_key(setting), name, why, "leave it out and set s3.credentials")


def file_committer_algorithm(subject: Subject) -> Iterator[Finding]:
    """`mapreduce.fileoutputcommitter.algorithm.version`, of a committer that is not in use."""
    value = subject.own_conf.get(_ALGORITHM)
    if value is not None:
        unsafe = "; version 2 shows the output of failed tasks too" if value == "2" else ""
        why = f"it is of the committer that renames, and here the magic one commits{unsafe}"
        yield warning(conf_key(_ALGORITHM), value, why, "leave it out")
