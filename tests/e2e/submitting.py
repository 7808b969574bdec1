"""`image-features submit` as a person runs it."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, release

RELEASE = release("submit")

Answer = subprocess.CompletedProcess[str]


def image_features(*arguments: str) -> Answer:
    """`image-features submit ...`; its standard error is not a terminal."""
    command = [sys.executable, "-m", "job", "submit", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=900
    )


def submit(
    cluster: Cluster, run_id: str, input_path: str, *more: str, options: tuple[str, ...] = ()
) -> Answer:
    """Submit one run with the values of kind, the image under test, and wait for it.

    `options` are more of the job's own, `more` of submit's.
    """
    output = f"s3a://results/{OUTPUTS}/{run_id}"
    arguments = ["--input", input_path, "--output", output, *options]
    values = {
        **{f"image.{key}": value for key, value in cluster.image_values["image"].items()},
        "arguments": f"{{{','.join(arguments)}}}",
    }
    sets = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    command = ["kubernetes", "--values", str(cluster.values), *sets, *more]
    names = ["--release", RELEASE, "--run-id", run_id, "--namespace", cluster.namespace]
    return image_features(*command, *names, "--wait")
