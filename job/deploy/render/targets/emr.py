"""The chart as the StartJobRun request of EMR on EKS, with its pod templates."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from job.deploy.render.targets import emr_overrides as overrides
from job.deploy.render.targets import pods
from job.deploy.render.targets.common import Converted, LeftOut, Manifest, objects, settings
from job.deploy.render.targets.key_mapping import EMR, EMR_JARS
from job.errors import InvalidValueError
from job.resources import SETTLED

Request = dict[str, Any]

# Limits of the API that botocore does not check.
LONGEST_PARAMETERS = 102_400
LONGEST_ARGUMENT = 10_280
_RETRIES = "restartPolicy.onFailureRetries"


@dataclass(frozen=True)
class JobRunToStart:
    """A request, the pod templates by file name, the folder on S3 where it expects them.

    `spec` is that of the application which it was made of.
    """

    request: Request
    templates: Mapping[str, str]
    folder: str
    left_out: tuple[LeftOut, ...]
    spec: Manifest

    def as_text(self) -> Converted:
        """The request as JSON, and the templates as files."""
        text = json.dumps(self.request, indent=2) + "\n"
        return Converted(text, self.templates, self.left_out)


def converted(
    application: Manifest, beside: Sequence[Manifest], asked: Manifest, virtual_cluster: str
) -> JobRunToStart:
    """The job run of an application; `asked` is the chart's EmrJobRun.

    Raises InvalidValueError for what exceeds a limit of EMR's.
    """
    request, left_out = start_job_run(application, asked, virtual_cluster)
    templates, left_of_pods = pod_templates(application)
    left = (*left_out, *left_of_pods, *objects(beside, EMR))
    folder = templates_folder(application, asked)
    return JobRunToStart(request, templates, folder, left, application["spec"])


def start_job_run(
    application: Manifest, asked: Manifest, virtual_cluster: str
) -> tuple[Request, list[LeftOut]]:
    """The request, and what it leaves out. Sent twice it starts one run, by its token."""
    metadata, spec, of_emr = application["metadata"], application["spec"], asked["spec"]
    found, left_out = settings(application, EMR, elsewhere=[_RETRIES])
    found |= {SETTLED: "true", "spark.jars": _jars(found)}
    found |= pods.settings(templates_folder(application, asked))
    parameters, defaults = overrides.divided(found)
    placed, left_of_submitter = overrides.submitter(application)
    monitoring, left_of_logs = overrides.monitoring(of_emr["logs"], metadata["name"], found)
    request = {
        "name": metadata["name"],
        "virtualClusterId": virtual_cluster,
        "clientToken": token(virtual_cluster, metadata["name"]),
        "executionRoleArn": of_emr["executionRoleArn"],
        "releaseLabel": of_emr["releaseLabel"],
        "jobDriver": {"sparkSubmitJobDriver": _driver(spec, parameters)},
        "configurationOverrides": {
            "applicationConfiguration": overrides.classified(
                {"spark-defaults": defaults, "emr-job-submitter": placed}
            ),
            "monitoringConfiguration": monitoring,
        },
        "retryPolicyConfiguration": {"maxAttempts": 1 + spec["restartPolicy"]["onFailureRetries"]},
        "tags": {**metadata.get("labels", {}), **of_emr["tags"]},
    }
    return request, [*left_out, *left_of_submitter, *left_of_logs]


def pod_templates(application: Manifest) -> tuple[dict[str, str], list[LeftOut]]:
    """The templates by file name, and what EMR does not allow in them."""
    made = {role: pods.for_emr(pods.template(application, role)) for role in pods.ROLES}
    files = {pods.file_of(role): pods.as_yaml(pod) for role, (pod, _) in made.items()}
    return files, [each for _, left_out in made.values() for each in left_out]


def templates_folder(application: Manifest, asked: Manifest) -> str:
    """Where on S3 the pod templates of a run are."""
    return f"{asked['spec']['podTemplates']}/{application['metadata']['name']}"


def token(virtual_cluster: str, name: str) -> str:
    """The same for the same run of a virtual cluster."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{virtual_cluster}/{name}"))


def _jars(found: Mapping[str, str]) -> str:
    return ",".join([*([found["spark.jars"]] if "spark.jars" in found else []), *EMR_JARS])


def _driver(spec: Manifest, parameters: Mapping[str, str]) -> Request:
    words = [word for key, value in parameters.items() for word in ("--conf", f"{key}={value}")]
    text = shlex.join(words)
    arguments = spec.get("arguments", [])
    _require_length("the settings of spark-submit", text, LONGEST_PARAMETERS)
    for argument in arguments:
        _require_length(f"the argument {argument[:40]!r}", argument, LONGEST_ARGUMENT)
    return {
        "entryPoint": spec["mainApplicationFile"],
        "entryPointArguments": arguments,
        "sparkSubmitParameters": text,
    }


def _require_length(what: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most:
        raise InvalidValueError(
            f"{what} would be {len(text)} characters",
            expected=f"1 to {most}, and not only spaces, which is what EMR takes",
            fix="shorten `arguments` or `sparkConf` of the values",
        )
