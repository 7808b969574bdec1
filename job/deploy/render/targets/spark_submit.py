"""The chart as a spark-submit command for a cluster that has no operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join, quote

from job.deploy.render.targets import pods
from job.deploy.render.targets.common import Converted, LeftOut, Manifest, settings
from job.deploy.render.targets.key_mapping import SPARK_SUBMIT
from job.deploy.render.targets.kubernetes import as_yaml

# Accounts, rights, policies: what the run needs on the cluster beside itself.
BESIDE = "objects.yaml"
_BEGINS = ("--", "local://")


def converted(
    application: Manifest, beside: Sequence[Manifest], master: str, folder: Path
) -> Converted:
    """Shell commands that apply what a run needs and start it, with their files for `folder`."""
    argv, left_out = command(application, master, folder)
    files = {
        pods.file_of(role): pods.as_yaml(pods.template(application, role)) for role in pods.ROLES
    }
    apply = ""
    if beside:
        files[BESIDE] = as_yaml(beside)
        apply = join(["kubectl", "apply", "--filename", str(folder / BESIDE)]) + " && \\\n"
    return Converted(f"{apply}{_folded(argv)}\n", files, tuple(left_out))


def command(application: Manifest, master: str, folder: Path) -> tuple[list[str], list[LeftOut]]:
    """The command as a list, and what it leaves out; the pod templates lie in `folder`."""
    found, left_out = settings(application, SPARK_SUBMIT)
    metadata, spec = application["metadata"], application["spec"]
    found |= {
        "spark.kubernetes.namespace": metadata["namespace"],
        # As the operator names it; a run that is there is not started again.
        "spark.kubernetes.driver.pod.name": f"{metadata['name']}-driver",
        **pods.settings(str(folder)),
    }
    argv = ["spark-submit", "--master", master, "--deploy-mode", "cluster"]
    argv += ["--name", metadata["name"]]
    for key in sorted(found):
        argv += ["--conf", f"{key}={found[key]}"]
    return [*argv, spec["mainApplicationFile"], *spec.get("arguments", [])], left_out


def _folded(argv: Sequence[str]) -> str:
    """A long command with one option a line."""
    words = [f"\\\n  {word}" if word.startswith(_BEGINS) else word for word in map(quote, argv)]
    return " ".join(words)
