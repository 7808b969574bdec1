"""Misspelled settings and classes, which have no effect or fail the run."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.known_settings import (
    CREDENTIALS,
    HADOOP,
    OLD_CLIENT_PREFIXES,
    USER_NAMED_PREFIXES,
    find_similar,
    known_settings,
    strip_bucket,
)

_HADOOP_PREFIXES = ("spark.fs.", "spark.mapreduce.")
_SDK_V1 = "com.amazonaws."


def misspelled_spark_setting(context: LintContext) -> Iterator[Finding]:
    """A setting that Spark does not know, and that is nearly spelled like one it knows."""
    names = known_settings().spark | known_settings().obsolete.keys()
    for setting, value in context.own_conf.items():
        if setting in names or setting.startswith(
            (HADOOP, *_HADOOP_PREFIXES, *USER_NAMED_PREFIXES)
        ):
            continue
        suggestion = find_similar(setting, names)
        if suggestion is None:
            continue
        yield error(
            conf_key(setting),
            value,
            "Spark has no setting of this name: it has no effect",
            f"did you mean {suggestion}?",
        )


def misspelled_s3a_setting(context: LintContext) -> Iterator[Finding]:
    """A setting of s3a or of MapReduce's committers that Hadoop does not know."""
    version = known_settings().hadoop_version
    for setting, value in context.own_conf.items():
        name = strip_bucket(setting).removeprefix(HADOOP)
        if not setting.startswith(HADOOP) or setting.startswith(USER_NAMED_PREFIXES):
            continue
        suggestion = (
            None
            if name.startswith(OLD_CLIENT_PREFIXES)
            else find_similar(name, known_settings().hadoop)
        )
        if suggestion is not None and suggestion != name:
            yield error(
                conf_key(setting),
                value,
                f"Hadoop {version} has no setting {name}: it has no effect",
                f"did you mean {HADOOP}{suggestion}?",
            )


def hadoop_setting_without_prefix(context: LintContext) -> Iterator[Finding]:
    """A Hadoop setting without the prefix `spark.hadoop.`: Spark does not pass it on."""
    for setting, value in context.own_conf.items():
        if setting.startswith(_HADOOP_PREFIXES):
            yield error(
                conf_key(setting),
                value,
                "Spark only passes settings with the prefix spark.hadoop. to Hadoop",
                f"write {HADOOP}{setting.removeprefix('spark.')}",
            )


def unknown_credentials_class(context: LintContext) -> Iterator[Finding]:
    """A credentials class that no jar of the image has."""
    for setting, value in context.own_conf.items():
        if strip_bucket(setting) != CREDENTIALS:
            continue
        for name in map(str.strip, value.split(",")):
            if name and name not in known_settings().credentials and not name.startswith(_SDK_V1):
                suggestion = find_similar(name, known_settings().credentials)
                yield error(
                    conf_key(setting),
                    name,
                    "the image has no such class: the run cannot access S3",
                    f"did you mean {suggestion}?"
                    if suggestion
                    else "leave it out and set s3.credentials",
                )
