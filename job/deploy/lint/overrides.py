"""Settings that override what the job requires, or that the chart or the operator sets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from job import resources
from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.quantities import parse_duration

_MAGIC = "without it the magic committer does not commit exports: they are copied, or lost"
_DELTA = "without it the Delta tables cannot be read or written"
_REQUIRED = {
    "spark.hadoop.fs.s3a.committer.name": _MAGIC,
    "spark.sql.sources.commitProtocolClass": _MAGIC,
    "spark.sql.parquet.output.committer.class": _MAGIC,
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": _MAGIC,
    "spark.sql.extensions": _DELTA,
    "spark.sql.catalog.spark_catalog": _DELTA,
    "spark.delta.logStore.s3a.impl": _DELTA,
    "spark.python.worker.reuse": "each task would load the network again",
    "spark.python.daemon.module": "each task would start 0.15 s later",
}
_MAGIC_ENABLED = "spark.hadoop.fs.s3a.committer.magic.enabled"
_UI = "spark.ui.enabled"

# The operator passes these after sparkConf, and the last value wins in spark-submit.
_FROM_SPEC = {
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
_SET_BY_OPERATOR = (
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.driver.podTemplateContainerName",
    "spark.kubernetes.driver.podTemplateFile",
    "spark.kubernetes.executor.podTemplateContainerName",
    "spark.kubernetes.executor.podTemplateFile",
)
# Settings that the chart derives from a value; other parts of the chart read the value too.
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
_PREFIXES_FROM_VALUES = {
    "spark.executorEnv.": "executor.env",
    "spark.kubernetes.driver.annotation.": "driver.annotations",
    "spark.kubernetes.driver.node.selector.": "driver.nodeSelector",
    "spark.kubernetes.driverEnv.": "driver.env",
    "spark.kubernetes.executor.annotation.": "executor.annotations",
    "spark.kubernetes.executor.node.selector.": "executor.nodeSelector",
}


def required_setting_overridden(context: LintContext) -> Iterator[Finding]:
    """A required setting of the base list is changed: committer, Delta."""
    for setting, why in _REQUIRED.items():
        required = base_settings()[setting]
        value = context.conf.get(setting, "")
        # The value may be a list with more entries.
        if required not in [entry.strip() for entry in value.split(",")]:
            yield error(conf_key(setting), value, why, f"leave it out; the chart sets {required}")
    if context.conf.get(_MAGIC_ENABLED, "true").lower() != "true":
        yield error(conf_key(_MAGIC_ENABLED), "false", _MAGIC, "leave it out")


def metrics_without_ui(context: LintContext) -> Iterator[Finding]:
    """`spark.ui.enabled` is off, and metrics are served on the port of the UI."""
    if context.value("metrics.enabled") and context.conf.get(_UI, "true").lower() == "false":
        why = "Spark serves its metrics on the port of its UI: they would be unreachable"
        yield warning(conf_key(_UI), "false", why, "leave it out, or set metrics.enabled: false")


def setting_overridden_by_operator(context: LintContext) -> Iterator[Finding]:
    """A setting that the operator sets after `sparkConf`: the value here is lost."""
    why = "the operator sets it after sparkConf: the value here is lost"
    for setting, value in context.own_conf.items():
        key = _FROM_SPEC.get(setting)
        if setting in _SET_BY_OPERATOR:
            yield error(conf_key(setting), value, why, "leave it out")
        elif key is not None and _is_in_spec(context, key):
            yield error(conf_key(setting), value, why, f"set {key} instead")


def setting_with_chart_value(context: LintContext) -> Iterator[Finding]:
    """A setting for which the chart has a value, which other parts of the chart read too."""
    for setting, value in context.own_conf.items():
        matches = [
            key for prefix, key in _PREFIXES_FROM_VALUES.items() if setting.startswith(prefix)
        ]
        key = _FROM_VALUES.get(setting) or next(iter(matches), None)
        if key is None and setting in _FROM_SPEC and not _is_in_spec(context, _FROM_SPEC[setting]):
            key = _FROM_SPEC[setting]
        if key is not None:
            why = f"{key} sets it for all parts of the chart; here only Spark gets it"
            yield warning(conf_key(setting), value, why, f"set {key} instead")


def short_network_timeout(context: LintContext) -> Iterator[Finding]:
    """`spark.network.timeout` is not above the heartbeat interval: Spark does not start."""
    setting, heartbeat = "spark.network.timeout", "spark.executor.heartbeatInterval"
    limit = parse_duration(context.conf.get(setting, "120s"))
    interval = parse_duration(context.conf[heartbeat])
    if limit <= interval:
        yield error(
            conf_key(setting if setting in context.own_conf else heartbeat),
            context.conf.get(setting, context.conf[heartbeat]),
            f"Spark rejects a timeout ({limit:g} s) that is not above {heartbeat} ({interval:g} s)",
            "leave both out",
        )


@cache
def base_settings() -> dict[str, str]:
    """The Spark settings of every run (files/spark-base.yaml)."""
    text = resources.spark_base_settings().read_text(encoding="utf-8")
    settings: dict[str, str] = yaml.safe_load(text)
    return settings


def _is_in_spec(context: LintContext, key: str) -> bool:
    """Whether the spec has the field that the value `key` sets."""
    section, _, name = key.partition(".")
    spec: Any = context.spec.get(section) or {}
    return (section == "dynamicAllocation" and bool(spec)) or name in spec
