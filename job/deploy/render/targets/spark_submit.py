"""Converts the chart to a spark-submit command for a cluster without the operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join, quote

from job.deploy.render.targets import pods
from job.deploy.render.targets.common import Manifest, OmittedField, RenderedTarget, spark_settings
from job.deploy.render.targets.key_mapping import SPARK_SUBMIT
from job.deploy.render.targets.kubernetes import as_yaml

# Service accounts, permissions and policies that the run needs.
OBJECTS_FILE = "objects.yaml"
_LINE_STARTS = ("--", "local://")


def convert(
    application: Manifest, extra_objects: Sequence[Manifest], master: str, folder: Path
) -> RenderedTarget:
    """Shell commands that apply the run's objects and start it; their files go to `folder`."""
    argv, omitted = command(application, master, folder)
    files = {
        pods.template_file_name(role): pods.as_yaml(pods.template(application, role))
        for role in pods.ROLES
    }
    apply = ""
    if extra_objects:
        files[OBJECTS_FILE] = as_yaml(extra_objects)
        apply = join(["kubectl", "apply", "--filename", str(folder / OBJECTS_FILE)]) + " && \\\n"
    return RenderedTarget(f"{apply}{_wrap(argv)}\n", files, tuple(omitted))


def command(
    application: Manifest, master: str, folder: Path
) -> tuple[list[str], list[OmittedField]]:
    """The command as a list, and the omitted fields; the pod templates are in `folder`."""
    conf, omitted = spark_settings(application, SPARK_SUBMIT)
    metadata, spec = application["metadata"], application["spec"]
    conf |= {
        "spark.kubernetes.namespace": metadata["namespace"],
        # The operator's name for it: a run that already exists is not started again.
        "spark.kubernetes.driver.pod.name": f"{metadata['name']}-driver",
        **pods.template_settings(str(folder)),
    }
    argv = ["spark-submit", "--master", master, "--deploy-mode", "cluster"]
    argv += ["--name", metadata["name"]]
    for key in sorted(conf):
        argv += ["--conf", f"{key}={conf[key]}"]
    return [*argv, spec["mainApplicationFile"], *spec.get("arguments", [])], omitted


def _wrap(argv: Sequence[str]) -> str:
    """A long command with one option on each line."""
    words = [
        f"\\\n  {word}" if word.startswith(_LINE_STARTS) else word for word in map(quote, argv)
    ]
    return " ".join(words)
