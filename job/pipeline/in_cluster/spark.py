"""Spark, and what is on its class path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JJavaError

from job.errors import MissingPrerequisiteError
from job.pipeline.in_cluster.context import Inside, told

# What s3a loads when it is first used, and says of it no more than a class name.
_S3A = (
    "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "software.amazon.awssdk.services.s3.S3Client",
    "software.amazon.awssdk.transfer.s3.S3TransferManager",
    "software.amazon.awssdk.services.sts.StsClient",
)
_CLASS = re.compile(r"[a-z]\w*(\.\w+)*\.[A-Z]\w*")
_CREDENTIALS = "fs.s3a.aws.credentials.provider"


def spark(subject: Inside) -> str:
    """Spark starts with the run's settings."""
    with told("Spark does not start", "see the lines above, and sparkConf of the values"):
        return f"Spark {subject.spark.version}"


def classes(subject: Inside) -> str:
    """Each class that a setting names can be loaded: s3a, committer, Delta, credentials."""
    wanted = dict.fromkeys([*_S3A, *_named_in_settings(subject)])
    missing = [name for name in wanted if not _is_loadable(subject, name)]
    if missing:
        raise MissingPrerequisiteError(
            f"no jar of this image has {', '.join(missing)}",
            expected="the jars of docker/pom.xml in $SPARK_HOME/jars",
            fix="build the image anew, or mend the setting that names the class",
        )
    return f"{len(wanted)} classes"


def _named_in_settings(subject: Inside) -> Iterator[str]:
    values = [*subject.all_settings.values(), subject.hadoop.get(_CREDENTIALS, "")]
    for value in values:
        yield from (name.strip() for name in value.split(",") if _CLASS.fullmatch(name.strip()))


def _is_loadable(subject: Inside, name: str) -> bool:
    jvm: Any = subject.spark.sparkContext._jvm
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        # Initialized, as what a class itself needs may be missing too.
        jvm.java.lang.Class.forName(name, True, loader)
    except Py4JJavaError:
        return False
    return True
