"""Converts the chart to a StartJobRun request of EMR on EKS, with its pod templates."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from job.deploy.render.targets import emr_overrides as overrides
from job.deploy.render.targets import pods
from job.deploy.render.targets.common import (
    Manifest,
    OmittedField,
    RenderedTarget,
    omit_objects,
    spark_settings,
)
from job.deploy.render.targets.key_mapping import EMR, EMR_JARS
from job.errors import InvalidValueError
from job.resources import SETTLED

Request = dict[str, Any]

# Limits of the API that botocore does not validate.
MAX_PARAMETERS_LENGTH = 102_400
MAX_ARGUMENT_LENGTH = 10_280
_RETRIES = "restartPolicy.onFailureRetries"


@dataclass(frozen=True)
class JobRunRequest:
    """A StartJobRun request, its pod templates by file name, and their folder on S3.

    `spec` is the spec of the application.
    """

    request: Request
    templates: Mapping[str, str]
    folder: str
    omitted: tuple[OmittedField, ...]
    spec: Manifest

    def as_rendered_target(self) -> RenderedTarget:
        """The request as JSON, and the templates as files."""
        text = json.dumps(self.request, indent=2) + "\n"
        return RenderedTarget(text, self.templates, self.omitted)


def convert(
    application: Manifest,
    extra_objects: Sequence[Manifest],
    emr_job_run: Manifest,
    virtual_cluster: str,
) -> JobRunRequest:
    """The job run of an application; `emr_job_run` is the chart's EmrJobRun.

    Raises InvalidValueError if a limit of EMR is exceeded.
    """
    request, omitted = start_job_run(application, emr_job_run, virtual_cluster)
    templates, omitted_in_pods = pod_templates(application)
    all_omitted = (*omitted, *omitted_in_pods, *omit_objects(extra_objects, EMR))
    folder = templates_folder(application, emr_job_run)
    return JobRunRequest(request, templates, folder, all_omitted, application["spec"])


def start_job_run(
    application: Manifest, emr_job_run: Manifest, virtual_cluster: str
) -> tuple[Request, list[OmittedField]]:
    """The request and the omitted fields. Its token makes it idempotent."""
    metadata, spec, emr_spec = application["metadata"], application["spec"], emr_job_run["spec"]
    conf, omitted = spark_settings(application, EMR, handled=[_RETRIES])
    conf |= {SETTLED: "true", "spark.jars": _jars(conf)}
    conf |= pods.template_settings(templates_folder(application, emr_job_run))
    parameters, defaults = overrides.split_settings(conf)
    placement, omitted_for_submitter = overrides.submitter_placement(application)
    monitoring, omitted_monitoring = overrides.monitoring_configuration(
        emr_spec["logs"], metadata["name"], conf
    )
    request = {
        "name": metadata["name"],
        "virtualClusterId": virtual_cluster,
        "clientToken": client_token(virtual_cluster, metadata["name"]),
        "executionRoleArn": emr_spec["executionRoleArn"],
        "releaseLabel": emr_spec["releaseLabel"],
        "jobDriver": {"sparkSubmitJobDriver": _driver(spec, parameters)},
        "configurationOverrides": {
            "applicationConfiguration": overrides.to_classifications(
                {"spark-defaults": defaults, "emr-job-submitter": placement}
            ),
            "monitoringConfiguration": monitoring,
        },
        "retryPolicyConfiguration": {"maxAttempts": 1 + spec["restartPolicy"]["onFailureRetries"]},
        "tags": {**metadata.get("labels", {}), **emr_spec["tags"]},
    }
    return request, [*omitted, *omitted_for_submitter, *omitted_monitoring]


def pod_templates(application: Manifest) -> tuple[dict[str, str], list[OmittedField]]:
    """The templates by file name, and the fields that EMR does not allow in them."""
    templates_by_role = {
        role: pods.for_emr(pods.template(application, role)) for role in pods.ROLES
    }
    files = {
        pods.template_file_name(role): pods.as_yaml(pod)
        for role, (pod, _) in templates_by_role.items()
    }
    return files, [field for _, omitted in templates_by_role.values() for field in omitted]


def templates_folder(application: Manifest, emr_job_run: Manifest) -> str:
    """The folder on S3 with the pod templates of a run."""
    return f"{emr_job_run['spec']['podTemplates']}/{application['metadata']['name']}"


def client_token(virtual_cluster: str, name: str) -> str:
    """A token that is the same for the same run on the same virtual cluster."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{virtual_cluster}/{name}"))


def _jars(conf: Mapping[str, str]) -> str:
    return ",".join([*([conf["spark.jars"]] if "spark.jars" in conf else []), *EMR_JARS])


def _driver(spec: Manifest, parameters: Mapping[str, str]) -> Request:
    words = [word for key, value in parameters.items() for word in ("--conf", f"{key}={value}")]
    text = shlex.join(words)
    arguments = spec.get("arguments", [])
    _require_length("the settings of spark-submit", text, MAX_PARAMETERS_LENGTH)
    for argument in arguments:
        _require_length(f"the argument {argument[:40]!r}", argument, MAX_ARGUMENT_LENGTH)
    return {
        "entryPoint": spec["mainApplicationFile"],
        "entryPointArguments": arguments,
        "sparkSubmitParameters": text,
    }


def _require_length(what: str, text: str, limit: int) -> None:
    if not text.strip() or len(text) > limit:
        raise InvalidValueError(
            f"{what} would have {len(text)} characters",
            expected=f"1 to {limit}, and not only spaces",
            fix="shorten `arguments` or `sparkConf` of the values",
        )
