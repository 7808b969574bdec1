"""Pod templates: the parts of pods that have no Spark setting."""

from __future__ import annotations

from copy import deepcopy
from pathlib import PurePosixPath

import yaml

from job.deploy.render.targets.common import Manifest, OmittedField, keep_allowed
from job.deploy.render.targets.key_mapping import EMR, EMR_CONTAINER_FIELDS, EMR_POD_FIELDS

ROLES = ("driver", "executor")
# The operator sets this label to the application's name. Other targets know the name in advance.
_OPERATOR_LABEL = "metadata.labels['sparkoperator.k8s.io/app-name']"
# EMR mounts its own volumes here, or the path does not exist on EMR.
_NOT_ON_EMR = ("/tmp", "/mnt", "/home/hadoop", "/var/log", "/opt/spark")  # noqa: S108


def template(application: Manifest, role: str) -> Manifest:
    """The pod template of a role for Spark: a Pod with the container that Spark completes."""
    pod_template = deepcopy(application["spec"][role]["template"])
    for container in pod_template["spec"]["containers"]:
        for entry in container.get("env", []):
            if _field_path(entry) == _OPERATOR_LABEL:
                del entry["valueFrom"]
                entry["value"] = application["metadata"]["name"]
    return {"apiVersion": "v1", "kind": "Pod", **pod_template}


def template_file_name(role: str) -> str:
    """The file name of a role's template."""
    return f"{role}.yaml"


def template_settings(folder: str) -> dict[str, str]:
    """The Spark settings for templates in a folder."""
    return {
        f"spark.kubernetes.{role}.podTemplateFile": f"{folder}/{template_file_name(role)}"
        for role in ROLES
    }


def for_emr(pod: Manifest) -> tuple[Manifest, list[OmittedField]]:
    """The template with only the fields that EMR accepts, and the omitted ones."""
    spec, omitted = keep_allowed(pod["spec"], EMR_POD_FIELDS, "template.spec.", EMR)
    (main,) = spec["containers"]
    main, omitted_in_container = keep_allowed(
        main, EMR_CONTAINER_FIELDS, "template.container.", EMR
    )
    main["volumeMounts"] = [
        mount for mount in main["volumeMounts"] if not _is_mounted_by_emr(mount)
    ]
    mounted = [mount["name"] for mount in main["volumeMounts"]]
    by_name = {volume["name"]: volume for volume in spec["volumes"]}
    volumes, omitted_volumes = keep_allowed(by_name, mounted, "template.volume.", EMR)
    spec |= {"containers": [main], "volumes": list(volumes.values())}
    return {**pod, "spec": spec}, [*omitted, *omitted_in_container, *omitted_volumes]


def as_yaml(pod: Manifest) -> str:
    """A template as YAML."""
    text: str = yaml.safe_dump(pod, sort_keys=False)
    return text


def _field_path(entry: Manifest) -> str:
    """The pod field that an environment variable reads; empty for other sources."""
    return str((entry.get("valueFrom") or {}).get("fieldRef", {}).get("fieldPath", ""))


def _is_mounted_by_emr(mount: Manifest) -> bool:
    path = PurePosixPath(mount["mountPath"])
    return any(path.is_relative_to(folder) for folder in _NOT_ON_EMR)
