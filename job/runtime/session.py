"""The only getOrCreate: a SparkSession with the settings that hold everywhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from job import class_archive
from job.errors import InvalidValueError
from job.resources import SETTLED, spark_base_settings
from job.s3_address import with_path_style

# A task that fails on one machine is tried again, as it would be on a cluster.
LOCAL_MASTER = "local[*,4]"

_LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")

_LOCAL_SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def spark_session(
    app_name: str, settings: Mapping[str, str] | None = None, master: str | None = None
) -> SparkSession:
    """The session of this process, made on the first call, with `session_settings`."""
    return start_session(app_name, session_settings(settings, master))


def session_settings(
    settings: Mapping[str, str] | None = None, master: str | None = None
) -> dict[str, str]:
    """The settings of the session of this process, before it starts.

    What spark-submit or the operator has set wins over the base list, and replaces it if it says
    that it is settled; `settings` (the user's `--conf`) wins over both. Without a master from
    outside, Spark runs in this process. Raises InvalidValueError where there is no Java.
    """
    given = _given_settings()
    if "spark.master" not in given and master is None:
        master = LOCAL_MASTER
    chosen = chosen_settings(given, settings or {}, master)
    if master is not None:
        chosen["spark.master"] = master
    _require_java()
    return chosen


def start_session(app_name: str, chosen: Mapping[str, str]) -> SparkSession:
    """The session with the settings `chosen`; one that was there before stays."""
    # Without it, workers start whichever python3 is first on PATH.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _make_event_log_folder(chosen)
    builder = SparkSession.builder.appName(app_name)
    for key, value in chosen.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def chosen_settings(
    given: Mapping[str, str], settings: Mapping[str, str], master: str | None
) -> dict[str, str]:
    """The settings of a session, of which later ones win; what is settled gets no base list."""
    base = {} if given.get(SETTLED) == "true" else _base_settings(master)
    return with_path_style({**base, **given, **settings})


def _base_settings(master: str | None) -> dict[str, str]:
    base: dict[str, str] = yaml.safe_load(spark_base_settings().read_text(encoding="utf-8"))
    if master is None or not master.startswith("local"):
        return base
    # On a few cores the optimizing compiler and a collector with threads of its own take more
    # time than they save: the network is not Java.
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:MetaspaceSize=256m", "-Xmn256m"]
    log = f"-Dlog4j2.configurationFile={_LOG_SETTINGS.as_uri()}"
    java = " ".join([*options, log, *class_archive.reading_options()])
    return {**base, **_LOCAL_SETTINGS, "spark.driver.defaultJavaOptions": java}


def _given_settings() -> dict[str, str]:
    """What spark-submit passed on: only then a JVM is there before us."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())


def _make_event_log_folder(settings: Mapping[str, str]) -> None:
    """Spark does not start where the folder of its event log is missing, and does not make it."""
    folder = settings.get("spark.eventLog.dir")
    if folder is None or settings.get("spark.eventLog.enabled", "false").lower() != "true":
        return
    SparkContext._ensure_initialized()
    hadoop: Any = SparkContext._jvm
    configuration = hadoop.org.apache.hadoop.conf.Configuration()
    for key, value in settings.items():
        if key.startswith("spark.hadoop."):
            configuration.set(key.removeprefix("spark.hadoop."), value)
    path = hadoop.org.apache.hadoop.fs.Path(folder)
    path.getFileSystem(configuration).mkdirs(path)


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and shutil.which("java", path=f"{home}/bin")):
        raise InvalidValueError(
            "no Java found",
            expected="Java 17 or 21 on PATH or in JAVA_HOME",
            fix="install openjdk-17-jre-headless",
        )


def task_slots(spark: SparkSession) -> int:
    """Tasks that run at once when every executor that may come has come."""
    conf = spark.sparkContext.getConf()
    cores = int(conf.get("spark.executor.cores", "1") or 1)
    cpus = int(conf.get("spark.task.cpus", "1") or 1)
    if conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        executors = int(conf.get("spark.dynamicAllocation.maxExecutors", "1") or 1)
    else:
        executors = int(conf.get("spark.executor.instances", "0") or 0)
    return max(executors * cores // cpus, spark.sparkContext.defaultParallelism // cpus, 1)


def in_pool(spark: SparkSession, name: str) -> None:
    """Give the jobs of this thread a share of all cores, as those of each other pool have one."""
    spark.sparkContext.setLocalProperty("spark.scheduler.pool", name)
