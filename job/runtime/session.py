"""Creates the SparkSession from the base settings and the user's; the only getOrCreate."""

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

# Failed tasks are retried, as on a cluster; plain local[*] does not retry.
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
    """The session of this process with `session_settings`; the first call creates it."""
    return start_session(app_name, session_settings(settings, master))


def session_settings(
    settings: Mapping[str, str] | None = None, master: str | None = None
) -> dict[str, str]:
    """The settings of the session of this process, before it starts.

    Settings of spark-submit or the operator win over the base list, and replace it if they
    include SETTLED. `settings` (the user's `--conf`) wins over both. Without a master, Spark runs
    in this process. Raises InvalidValueError if Java is missing.
    """
    submitted = _submitted_settings()
    if "spark.master" not in submitted and master is None:
        master = LOCAL_MASTER
    merged = merge_settings(submitted, settings or {}, master)
    if master is not None:
        merged["spark.master"] = master
    _require_java()
    return merged


def start_session(app_name: str, settings: Mapping[str, str]) -> SparkSession:
    """Start a session with `settings`, or apply them to the existing one."""
    # By default, workers use the first python3 on PATH.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _make_event_log_folder(settings)
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    _check_sql_settings(conf)
    return SparkSession.builder.appName(app_name).config(conf=conf).getOrCreate()


def _check_sql_settings(conf: SparkConf) -> None:
    """Raise IllegalArgumentException for a value of `spark.sql` that Spark cannot use.

    Spark itself looks at it only when the session exists, and again for each error it converts:
    PySpark 4.1 then converts errors without end.
    """
    SparkContext._ensure_initialized(conf=conf)
    assert SparkContext._jvm is not None
    checker = SparkContext._jvm.org.apache.spark.sql.internal.SQLConf()
    for key, value in conf.getAll():
        if key.startswith("spark.sql."):
            checker.setConfString(key, value)


def merge_settings(
    submitted: Mapping[str, str], settings: Mapping[str, str], master: str | None
) -> dict[str, str]:
    """Base list, `submitted` and `settings`; later ones win. SETTLED omits the base list."""
    base = {} if submitted.get(SETTLED) == "true" else _base_settings(master)
    return with_path_style({**base, **submitted, **settings})


def _base_settings(master: str | None) -> dict[str, str]:
    base: dict[str, str] = yaml.safe_load(spark_base_settings().read_text(encoding="utf-8"))
    if master is None or not master.startswith("local"):
        return base
    # On a few cores the optimizing compiler and a parallel garbage collector cost more time than
    # they save: the network does not run in Java.
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:MetaspaceSize=256m", "-Xmn256m"]
    log = f"-Dlog4j2.configurationFile={_LOG_SETTINGS.as_uri()}"
    java = " ".join([*options, log, *class_archive.java_options()])
    return {**base, **_LOCAL_SETTINGS, "spark.driver.defaultJavaOptions": java}


def _submitted_settings() -> dict[str, str]:
    """The settings of spark-submit, whose JVM runs before this process; else none."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())


def _make_event_log_folder(settings: Mapping[str, str]) -> None:
    """Create the folder of the event log: without the folder Spark does not start."""
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
    """The maximum number of concurrent tasks, with all executors that may start."""
    conf = spark.sparkContext.getConf()
    cores = int(conf.get("spark.executor.cores", "1") or 1)
    cpus = int(conf.get("spark.task.cpus", "1") or 1)
    if conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        executors = int(conf.get("spark.dynamicAllocation.maxExecutors", "1") or 1)
    else:
        executors = int(conf.get("spark.executor.instances", "0") or 0)
    return max(executors * cores // cpus, spark.sparkContext.defaultParallelism // cpus, 1)


def use_pool(spark: SparkSession, name: str) -> None:
    """Run the jobs of this thread in a scheduler pool; all pools share the cores equally."""
    spark.sparkContext.setLocalProperty("spark.scheduler.pool", name)
