"""Spark and its class path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JJavaError

from job.errors import MissingPrerequisiteError
from job.pipeline.in_cluster.context import InClusterContext, translate_spark_errors

# Classes that s3a loads on first use; if one is missing, its error is only a class name.
_S3A_CLASSES = (
    "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "software.amazon.awssdk.services.s3.S3Client",
    "software.amazon.awssdk.transfer.s3.S3TransferManager",
    "software.amazon.awssdk.services.sts.StsClient",
)
_CLASS = re.compile(r"[a-z]\w*(\.\w+)*\.[A-Z]\w*")
_CREDENTIALS = "fs.s3a.aws.credentials.provider"


def spark(context: InClusterContext) -> str:
    """Spark starts with the run's settings."""
    with translate_spark_errors(
        "Spark does not start", "see the lines above, and sparkConf of the values"
    ):
        return f"Spark {context.spark.version}"


def classpath(context: InClusterContext) -> str:
    """Each class named in a setting can be loaded: s3a, committer, Delta, credentials."""
    class_names = dict.fromkeys([*_S3A_CLASSES, *_classes_in_settings(context)])
    missing = [name for name in class_names if not _is_loadable(context, name)]
    if missing:
        raise MissingPrerequisiteError(
            f"no jar of this image has {', '.join(missing)}",
            expected="the jars of docker/pom.xml in $SPARK_HOME/jars",
            fix="rebuild the image, or correct the setting that names the class",
        )
    return f"{len(class_names)} classes"


def _classes_in_settings(context: InClusterContext) -> Iterator[str]:
    values = [*context.all_settings.values(), context.hadoop.get(_CREDENTIALS, "")]
    for value in values:
        yield from (name.strip() for name in value.split(",") if _CLASS.fullmatch(name.strip()))


def _is_loadable(context: InClusterContext, name: str) -> bool:
    jvm: Any = context.spark.sparkContext._jvm
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        # Also initializes the class: its own dependencies may be missing.
        jvm.java.lang.Class.forName(name, True, loader)
    except Py4JJavaError:
        return False
    return True
