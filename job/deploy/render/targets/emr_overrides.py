"""What EMR calls configuration overrides: settings, the pod that submits, where logs go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.deploy.render.targets.common import LeftOut, Manifest
from job.deploy.render.targets.key_mapping import SETTING_OF

Request = dict[str, Any]

# Limits of the API; EMR refuses a request beyond them without saying which key is to blame.
MOST_PROPERTIES = 100
LONGEST_PROPERTY = 1024
# The console shows parameters and folds the rest away.
_IN_SIGHT = {
    key for key in SETTING_OF.values() if key.startswith(("spark.driver.", "spark.executor."))
}
_EVENT_LOG = "spark.eventLog.dir"
_NO_EMPTY = "for the pod that starts the driver, EMR takes key, value and effect only"


def divided(found: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings for parameters, and for spark-defaults as far as they fit into them."""
    parameters = {key: value for key, value in found.items() if key in _IN_SIGHT}
    defaults: dict[str, str] = {}
    for key, value in found.items():
        if key in parameters:
            continue
        fits = value.strip() and len(value) <= LONGEST_PROPERTY
        chosen = defaults if fits and len(defaults) < MOST_PROPERTIES else parameters
        chosen[key] = value
    return parameters, defaults


def submitter(application: Manifest) -> tuple[dict[str, str], list[LeftOut]]:
    """The pod that starts the driver goes where the driver goes: the run ends with either."""
    pod = application["spec"]["driver"]["template"]["spec"]
    placed = {
        f"jobsubmitter.node.selector.{label}": value
        for label, value in pod.get("nodeSelector", {}).items()
    }
    left_out: list[LeftOut] = []
    for taint in pod.get("tolerations", []):
        # No property may be empty: a toleration of any value, key or effect cannot be told.
        if not all(taint.get(field) for field in ("key", "value", "effect")):
            left_out.append(LeftOut(f"toleration of {taint.get('key', 'all')}", _NO_EMPTY))
            continue
        key = f"jobsubmitter.node.toleration.{taint['key']}"
        placed |= {key: taint["value"], f"{key}.effect": taint["effect"]}
    return placed, left_out


def classified(classes: Mapping[str, Mapping[str, str]]) -> list[Request]:
    """Properties by classification; one without properties is not sent."""
    return [
        {"classification": name, "properties": dict(properties)}
        for name, properties in classes.items()
        if properties
    ]


def monitoring(
    logs: Mapping[str, str], name: str, found: Mapping[str, str]
) -> tuple[Request, list[LeftOut]]:
    """Where logs go. An event log of the run's own leaves nothing for EMR's page of the run."""
    has_page = _EVENT_LOG not in found
    found_at: Request = {"persistentAppUI": "ENABLED" if has_page else "DISABLED"}
    if logs["cloudWatch"]:
        found_at["cloudWatchMonitoringConfiguration"] = {
            "logGroupName": logs["cloudWatch"],
            "logStreamNamePrefix": name,
        }
    if logs["s3"]:
        found_at["s3MonitoringConfiguration"] = {"logUri": logs["s3"]}
    why = "Spark's page in the console of EMR: the event log goes to eventLog.dir instead"
    return found_at, [] if has_page else [LeftOut("persistentAppUI", why)]
