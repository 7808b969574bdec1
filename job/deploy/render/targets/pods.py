"""Pod templates: what an application says of its pods and Spark settings cannot say."""

from __future__ import annotations

from copy import deepcopy
from pathlib import PurePosixPath

import yaml

from job.deploy.render.targets.common import LeftOut, Manifest, without
from job.deploy.render.targets.key_mapping import EMR, EMR_CONTAINER_FIELDS, EMR_POD_FIELDS

ROLES = ("driver", "executor")
# The operator puts the name of the application there; without it the name is known beforehand.
_OPERATORS_LABEL = "metadata.labels['sparkoperator.k8s.io/app-name']"
# EMR mounts volumes there itself, or has nothing there.
_NOT_ON_EMR = ("/tmp", "/mnt", "/home/hadoop", "/var/log", "/opt/spark")  # noqa: S108


def template(application: Manifest, role: str) -> Manifest:
    """The pod template of a role as Spark takes it: a Pod with the container that it completes."""
    given = deepcopy(application["spec"][role]["template"])
    for container in given["spec"]["containers"]:
        for entry in container.get("env", []):
            if _source(entry) == _OPERATORS_LABEL:
                del entry["valueFrom"]
                entry["value"] = application["metadata"]["name"]
    return {"apiVersion": "v1", "kind": "Pod", **given}


def file_of(role: str) -> str:
    """The name of a role's template as a file."""
    return f"{role}.yaml"


def settings(folder: str) -> dict[str, str]:
    """The Spark settings that name the templates in a folder."""
    return {
        f"spark.kubernetes.{role}.podTemplateFile": f"{folder}/{file_of(role)}" for role in ROLES
    }


def for_emr(pod: Manifest) -> tuple[Manifest, list[LeftOut]]:
    """A template with what EMR allows in it, and the rest: it refuses a job for any other field."""
    spec, left = without(pod["spec"], EMR_POD_FIELDS, "template.spec.", EMR)
    (main,) = spec["containers"]
    main, left_of_main = without(main, EMR_CONTAINER_FIELDS, "template.container.", EMR)
    main["volumeMounts"] = [each for each in main["volumeMounts"] if not _is_of_emr(each)]
    mounted = [each["name"] for each in main["volumeMounts"]]
    by_name = {each["name"]: each for each in spec["volumes"]}
    volumes, left_of_volumes = without(by_name, mounted, "template.volume.", EMR)
    spec |= {"containers": [main], "volumes": list(volumes.values())}
    return {**pod, "spec": spec}, [*left, *left_of_main, *left_of_volumes]


def as_yaml(pod: Manifest) -> str:
    """A template as the text of a file."""
    text: str = yaml.safe_dump(pod, sort_keys=False)
    return text


def _source(entry: Manifest) -> str:
    """The field that an environment variable comes from; empty for other sources."""
    return str((entry.get("valueFrom") or {}).get("fieldRef", {}).get("fieldPath", ""))


def _is_of_emr(mount: Manifest) -> bool:
    path = PurePosixPath(mount["mountPath"])
    return any(path.is_relative_to(folder) for folder in _NOT_ON_EMR)
