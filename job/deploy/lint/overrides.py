"""Settings that undo what the job needs, or that something else sets after them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from job import resources
from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import seconds

_MAGIC = (
    "without it the exports are not committed by the magic committer, but copied, or not at all"
)
_DELTA = "without it the tables cannot be read or written: they are Delta tables"
_NEEDED = {
    "spark.hadoop.fs.s3a.committer.name": _MAGIC,
    "spark.sql.sources.commitProtocolClass": _MAGIC,
    "spark.sql.parquet.output.committer.class": _MAGIC,
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": _MAGIC,
    "spark.sql.extensions": _DELTA,
    "spark.sql.catalog.spark_catalog": _DELTA,
    "spark.delta.logStore.s3a.impl": _DELTA,
    "spark.python.worker.reuse": "each task would load the network anew",
    "spark.python.daemon.module": "each task would take 0.15 s longer to begin",
}
_MAGIC_ENABLED = "spark.hadoop.fs.s3a.committer.magic.enabled"
_UI = "spark.ui.enabled"

# The operator passes these after sparkConf, and spark-submit takes the last.
_FROM_THE_SPEC = {
    "spark.dynamicAllocation.enabled": "dynamicAllocation.enabled",
    "spark.dynamicAllocation.initialExecutors": "dynamicAllocation.initialExecutors",
    "spark.dynamicAllocation.maxExecutors": "dynamicAllocation.maxExecutors",
    "spark.dynamicAllocation.minExecutors": "dynamicAllocation.minExecutors",
    "spark.dynamicAllocation.shuffleTracking.enabled": "dynamicAllocation.enabled",
    "spark.dynamicAllocation.shuffleTracking.timeout": (
        "dynamicAllocation.shuffleTrackingTimeoutSeconds"
    ),
    "spark.kubernetes.driver.limit.cores": "driver.coreLimit",
    "spark.kubernetes.driver.request.cores": "driver.coreRequest",
    "spark.kubernetes.executor.deleteOnTermination": "executor.deleteOnTermination",
    "spark.kubernetes.executor.limit.cores": "executor.coreLimit",
    "spark.kubernetes.executor.request.cores": "executor.coreRequest",
}
_OF_THE_OPERATOR = (
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.driver.podTemplateContainerName",
    "spark.kubernetes.driver.podTemplateFile",
    "spark.kubernetes.executor.podTemplateContainerName",
    "spark.kubernetes.executor.podTemplateFile",
)
# What the chart makes of a value of its own, which network policy, checks and other targets read.
_FROM_VALUES = {
    "spark.authenticate": "encryption.inTransit",
    "spark.decommission.enabled": "decommission.enabled",
    "spark.dynamicAllocation.cachedExecutorIdleTimeout": (
        "dynamicAllocation.cachedExecutorIdleTimeout"
    ),
    "spark.dynamicAllocation.executorIdleTimeout": "dynamicAllocation.executorIdleTimeout",
    "spark.eventLog.dir": "eventLog.dir",
    "spark.eventLog.enabled": "eventLog.dir",
    "spark.executor.failuresValidityInterval": "failures.executorsInterval",
    "spark.executor.maxNumFailures": "failures.maxExecutors",
    "spark.hadoop.fs.s3a.aws.credentials.provider": "s3.credentials",
    "spark.hadoop.fs.s3a.connection.ssl.enabled": "s3.endpoint",
    "spark.hadoop.fs.s3a.encryption.algorithm": "encryption.atRest",
    "spark.hadoop.fs.s3a.encryption.key": "encryption.kmsKeyArn",
    "spark.hadoop.fs.s3a.endpoint": "s3.endpoint",
    "spark.hadoop.fs.s3a.endpoint.region": "s3.region",
    "spark.hadoop.fs.s3a.path.style.access": "s3.pathStyle",
    "spark.kubernetes.container.image.pullPolicy": "image.pullPolicy",
    "spark.kubernetes.container.image.pullSecrets": "image.pullSecrets",
    "spark.network.crypto.enabled": "encryption.inTransit",
    "spark.storage.decommission.enabled": "decommission.enabled",
    "spark.storage.decommission.fallbackStorage.path": "decommission.fallbackStoragePath",
    "spark.task.maxFailures": "failures.maxTaskAttempts",
}
_FAMILIES_FROM_VALUES = {
    "spark.executorEnv.": "executor.env",
    "spark.kubernetes.driver.annotation.": "driver.annotations",
    "spark.kubernetes.driver.node.selector.": "driver.nodeSelector",
    "spark.kubernetes.driverEnv.": "driver.env",
    "spark.kubernetes.executor.annotation.": "executor.annotations",
    "spark.kubernetes.executor.node.selector.": "executor.nodeSelector",
}


def undone_setting(subject: Subject) -> Iterator[Finding]:
    """A setting of the base list that the job cannot do without, changed: committer, Delta."""
    for setting, why in _NEEDED.items():
        needed = base_settings()[setting]
        value = subject.conf.get(setting, "")
        # A list may have more in it.
        if needed not in [each.strip() for each in value.split(",")]:
            yield error(conf_key(setting), value, why, f"leave it out; the chart sets {needed}")
    if subject.conf.get(_MAGIC_ENABLED, "true").lower() != "true":
        yield error(conf_key(_MAGIC_ENABLED), "false", _MAGIC, "leave it out")


def metrics_without_web_port(subject: Subject) -> Iterator[Finding]:
    """`spark.ui.enabled` off while metrics are published on that port."""
    if subject.value("metrics.enabled") and subject.conf.get(_UI, "true").lower() == "false":
        why = "Spark publishes its metrics on the port of its web page: nobody could read them"
        yield warning(conf_key(_UI), "false", why, "leave it out, or set metrics.enabled: false")


def setting_of_the_operator(subject: Subject) -> Iterator[Finding]:
    """A setting that the operator passes once more, from the spec or of its own: ours is lost."""
    why = "the operator passes this setting again after sparkConf: what is written here is lost"
    for setting, value in subject.own_conf.items():
        own = _FROM_THE_SPEC.get(setting)
        if setting in _OF_THE_OPERATOR:
            yield error(conf_key(setting), value, why, "leave it out")
        elif own is not None and _is_in_spec(subject, own):
            yield error(conf_key(setting), value, why, f"set {own} instead")


def setting_with_a_value_of_its_own(subject: Subject) -> Iterator[Finding]:
    """A setting for which the chart has a value, which other parts of it read too."""
    for setting, value in subject.own_conf.items():
        families = [own for name, own in _FAMILIES_FROM_VALUES.items() if setting.startswith(name)]
        own = _FROM_VALUES.get(setting) or next(iter(families), None)
        if (
            own is None
            and setting in _FROM_THE_SPEC
            and not _is_in_spec(subject, _FROM_THE_SPEC[setting])
        ):
            own = _FROM_THE_SPEC[setting]
        if own is not None:
            why = f"{own} says the same to all parts of the chart; here it is said to Spark alone"
            yield warning(conf_key(setting), value, why, f"set {own} instead")


def short_network_timeout(subject: Subject) -> Iterator[Finding]:
    """`spark.network.timeout` not above the executors' heartbeat: Spark does not start."""
    setting, heartbeat = "spark.network.timeout", "spark.executor.heartbeatInterval"
    limit = seconds(subject.conf.get(setting, "120s"))
    between = seconds(subject.conf[heartbeat])
    if limit <= between:
        yield error(
            conf_key(setting if setting in subject.own_conf else heartbeat),
            subject.conf.get(setting, subject.conf[heartbeat]),
            f"Spark refuses a timeout ({limit:g} s) that is not above {heartbeat} ({between:g} s)",
            "leave both out",
        )


@cache
def base_settings() -> dict[str, str]:
    """The Spark settings that hold everywhere."""
    text = resources.spark_base_settings().read_text(encoding="utf-8")
    settings: dict[str, str] = yaml.safe_load(text)
    return settings


def _is_in_spec(subject: Subject, own: str) -> bool:
    """Whether the spec has what the value `own` makes of it."""
    section, _, name = own.partition(".")
    spec: Any = subject.spec.get(section) or {}
    return (section == "dynamicAllocation" and bool(spec)) or name in spec
