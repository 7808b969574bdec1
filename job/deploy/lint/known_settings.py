"""The settings that Spark, Delta and s3a know, and the most similar name to a given one."""

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
# Allows two swapped letters, a missing letter, or another ending.
_CUTOFF = 0.88
HADOOP = "spark.hadoop."
S3A = HADOOP + "fs.s3a."
PER_BUCKET = S3A + "bucket."
CREDENTIALS = S3A + "aws.credentials.provider"
# Prefixes of settings of clients that Hadoop 3 no longer has.
OLD_CLIENT_PREFIXES = ("fs.s3.", "fs.s3n.")
# Below these prefixes the user chooses the names, or Spark builds them from parts.
USER_NAMED_PREFIXES = (
    HADOOP + "fs.s3a.create.header.",
    # Some end with a column name.
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
class KnownSettings:
    """Setting names by reader; `obsolete` maps an old name to what replaced it."""

    spark_version: str
    hadoop_version: str
    spark: frozenset[str]
    hadoop: frozenset[str]
    credentials: frozenset[str]
    obsolete: dict[str, str]


@cache
def known_settings() -> KnownSettings:
    """The content of the file."""
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    sets: dict[str, Any] = {
        name: frozenset(read.pop(name)) for name in ("spark", "hadoop", "credentials")
    }
    return KnownSettings(**read, **sets)


def find_similar(name: str, names: Iterable[str], cutoff: float = _CUTOFF) -> str | None:
    """The most similar name, ignoring case; None if no name is similar enough."""
    by_lower = {candidate.lower(): candidate for candidate in names}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def strip_bucket(setting: str) -> str:
    """A per-bucket setting, `spark.hadoop.fs.s3a.bucket.NAME.x`, without its bucket."""
    if not setting.startswith(PER_BUCKET):
        return setting
    # A bucket name may have dots: the longest known suffix is the setting.
    rest = setting.removeprefix(PER_BUCKET).split(".")[1:]
    endings = [".".join(rest[at:]) for at in range(len(rest))]
    known = [end for end in endings if f"fs.s3a.{end}" in known_settings().hadoop]
    return S3A + (known or endings or [""])[0]
