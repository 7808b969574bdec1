"""Configuration overrides of EMR: settings, the job submitter pod, and log destinations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.deploy.render.targets.common import Manifest, OmittedField
from job.deploy.render.targets.key_mapping import FIELD_TO_SETTING

Request = dict[str, Any]

# Limits of the API; EMR rejects a larger request without naming the key.
MAX_PROPERTIES = 100
MAX_PROPERTY_LENGTH = 1024
# The EMR console shows parameters and collapses the rest.
_SHOWN_IN_CONSOLE = {
    key for key in FIELD_TO_SETTING.values() if key.startswith(("spark.driver.", "spark.executor."))
}
_EVENT_LOG = "spark.eventLog.dir"
_TOLERATION_REASON = (
    "for the job submitter, EMR only accepts tolerations with key, value and effect"
)


def split_settings(conf: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Split settings into spark-submit parameters and spark-defaults, within EMR's limits."""
    parameters = {key: value for key, value in conf.items() if key in _SHOWN_IN_CONSOLE}
    defaults: dict[str, str] = {}
    for key, value in conf.items():
        if key in parameters:
            continue
        fits = value.strip() and len(value) <= MAX_PROPERTY_LENGTH
        target = defaults if fits and len(defaults) < MAX_PROPERTIES else parameters
        target[key] = value
    return parameters, defaults


def submitter_placement(application: Manifest) -> tuple[dict[str, str], list[OmittedField]]:
    """Properties that place the job submitter pod like the driver: the run needs both pods."""
    pod = application["spec"]["driver"]["template"]["spec"]
    placement = {
        f"jobsubmitter.node.selector.{label}": value
        for label, value in pod.get("nodeSelector", {}).items()
    }
    omitted: list[OmittedField] = []
    for toleration in pod.get("tolerations", []):
        # Properties must not be empty: a toleration without key, value or effect has no form here.
        if not all(toleration.get(field) for field in ("key", "value", "effect")):
            omitted.append(
                OmittedField(f"toleration of {toleration.get('key', 'all')}", _TOLERATION_REASON)
            )
            continue
        key = f"jobsubmitter.node.toleration.{toleration['key']}"
        placement |= {key: toleration["value"], f"{key}.effect": toleration["effect"]}
    return placement, omitted


def to_classifications(classes: Mapping[str, Mapping[str, str]]) -> list[Request]:
    """Classifications of a request; those without properties are left out."""
    return [
        {"classification": name, "properties": dict(properties)}
        for name, properties in classes.items()
        if properties
    ]


def monitoring_configuration(
    logs: Mapping[str, str], name: str, conf: Mapping[str, str]
) -> tuple[Request, list[OmittedField]]:
    """Log destinations. EMR's Spark UI has no data if the run writes its own event log."""
    has_page = _EVENT_LOG not in conf
    configuration: Request = {"persistentAppUI": "ENABLED" if has_page else "DISABLED"}
    if logs["cloudWatch"]:
        configuration["cloudWatchMonitoringConfiguration"] = {
            "logGroupName": logs["cloudWatch"],
            "logStreamNamePrefix": name,
        }
    if logs["s3"]:
        configuration["s3MonitoringConfiguration"] = {"logUri": logs["s3"]}
    why = "the Spark UI in the EMR console: the event log goes to eventLog.dir instead"
    return configuration, [] if has_page else [OmittedField("persistentAppUI", why)]
