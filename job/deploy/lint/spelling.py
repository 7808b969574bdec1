"""Names that nobody reads: a setting or a class that is misspelt does nothing, or stops the run."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import (
    CREDENTIALS,
    HADOOP,
    OLD_CLIENTS,
    OPEN_FAMILIES,
    known,
    nearest,
    without_bucket,
)

_OF_HADOOP = ("spark.fs.", "spark.mapreduce.")
_SDK_V1 = "com.amazonaws."


def misspelt_spark_setting(subject: Subject) -> Iterator[Finding]:
    """A Spark setting that no part of Spark reads, and one that is spelt nearly so."""
    names = known().spark | known().obsolete.keys()
    for setting, value in subject.own_conf.items():
        if setting in names or setting.startswith((HADOOP, *_OF_HADOOP, *OPEN_FAMILIES)):
            continue
        meant = nearest(setting, names)
        if meant is None:
            continue
        yield error(
            conf_key(setting),
            value,
            "no part of Spark reads a setting of this name: it would do nothing",
            f"did you mean {meant}?",
        )


def misspelt_s3a_setting(subject: Subject) -> Iterator[Finding]:
    """A setting of s3a or of MapReduce's committers that Hadoop does not read."""
    for setting, value in subject.own_conf.items():
        name = without_bucket(setting).removeprefix(HADOOP)
        if not setting.startswith(HADOOP) or setting.startswith(OPEN_FAMILIES):
            continue
        meant = None if name.startswith(OLD_CLIENTS) else nearest(name, known().hadoop)
        if meant is not None and meant != name:
            yield error(
                conf_key(setting),
                value,
                f"Hadoop {known().hadoop_version} reads no setting {name}: it would do nothing",
                f"did you mean {HADOOP}{meant}?",
            )


def hadoop_setting_without_prefix(subject: Subject) -> Iterator[Finding]:
    """A setting of Hadoop's without `spark.hadoop.`, which Spark does not pass on."""
    for setting, value in subject.own_conf.items():
        if setting.startswith(_OF_HADOOP):
            yield error(
                conf_key(setting),
                value,
                "Spark passes on to Hadoop what begins with spark.hadoop., and nothing else",
                f"write {HADOOP}{setting.removeprefix('spark.')}",
            )


def unknown_credentials_class(subject: Subject) -> Iterator[Finding]:
    """A class of credentials that is in none of the image's jars."""
    for setting, value in subject.own_conf.items():
        if without_bucket(setting) != CREDENTIALS:
            continue
        for name in map(str.strip, value.split(",")):
            if name and name not in known().credentials and not name.startswith(_SDK_V1):
                meant = nearest(name, known().credentials)
                yield error(
                    conf_key(setting),
                    name,
                    "the image has no such class: nothing on S3 could be read",
                    f"did you mean {meant}?" if meant else "leave it out and set s3.credentials",
                )
