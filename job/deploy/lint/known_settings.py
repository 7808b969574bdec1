"""The settings that Spark, Delta and s3a know, and the name that a person may have meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# Written by docker/known_settings.py from the jars of docker/pom.xml.
_FILE = Path(__file__).with_name("known_settings.json")
# Two letters swapped, one missing, another ending: names that differ more are other names.
_NEAR = 0.88
HADOOP = "spark.hadoop."
S3A = HADOOP + "fs.s3a."
PER_BUCKET = S3A + "bucket."
CREDENTIALS = S3A + "aws.credentials.provider"
# Beginnings of settings of clients that Hadoop 3 does not have.
OLD_CLIENTS = ("fs.s3.", "fs.s3n.")
# Beneath these a person chooses the names, or Spark makes them of parts.
OPEN_FAMILIES = (
    HADOOP + "fs.s3a.create.header.",
    # Some end with the name of a column.
    HADOOP + "parquet.",
    "spark.databricks.delta.properties.defaults.",
    "spark.delta.logStore.",
    "spark.executorEnv.",
    *(
        f"spark.kubernetes.{role}.{kind}."
        for role in ("driver", "executor")
        for kind in ("annotation", "label", "node.selector", "secretKeyRef", "secrets", "volumes")
    ),
    "spark.kubernetes.driver.service.",
    "spark.kubernetes.driverEnv.",
    "spark.kubernetes.node.selector.",
    "spark.metrics.conf.",
    "spark.rpc.io.",
    "spark.scheduler.listenerbus.eventqueue.",
    "spark.shuffle.io.",
    "spark.sql.catalog.",
    "spark.ssl.",
)


@dataclass(frozen=True)
class Known:
    """Names by who reads them; `obsolete` has what became of each."""

    spark_version: str
    hadoop_version: str
    spark: frozenset[str]
    hadoop: frozenset[str]
    credentials: frozenset[str]
    obsolete: dict[str, str]


@cache
def known() -> Known:
    """What the file says."""
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    sets: dict[str, Any] = {
        name: frozenset(read.pop(name)) for name in ("spark", "hadoop", "credentials")
    }
    return Known(**read, **sets)


def nearest(name: str, names: Iterable[str], near: float = _NEAR) -> str | None:
    """The name that is most like this one; None if none is near, letters' case aside."""
    by_lower = {each.lower(): each for each in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=near)
    return by_lower[found[0]] if found else None


def without_bucket(setting: str) -> str:
    """A setting of one bucket, `spark.hadoop.fs.s3a.bucket.NAME.x`, as that of all."""
    if not setting.startswith(PER_BUCKET):
        return setting
    # A bucket's name may have dots: the longest known name at the end is the setting's.
    rest = setting.removeprefix(PER_BUCKET).split(".")[1:]
    endings = [".".join(rest[at:]) for at in range(len(rest))]
    of_all = [end for end in endings if f"fs.s3a.{end}" in known().hadoop]
    return S3A + (of_all or endings or [""])[0]
