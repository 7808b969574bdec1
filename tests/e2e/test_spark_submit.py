"""The same values without any operator: the spark-submit target, as its page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.cluster import OUTPUTS, Cluster, release
from tests.e2e.conftest import SAMPLE, Rows, features_of
from tests.e2e.test_runs import assert_same_features

RELEASE = release("plain")
NAME = f"{RELEASE}-submitted"


def test_plain_spark_submit_runs_the_rendered_chart(
    cluster: Cluster, tmp_path: Path, local_features: Rows
) -> None:
    script = _rendered(cluster, tmp_path)
    programs = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_HOME"} | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "JAVA_HOME": (programs.parent / "java-home").read_text().strip(),
    }
    subprocess.run(["sh", script], check=True, env=environment, timeout=600)
    driver = cluster.get("pod", f"{NAME}-driver")
    assert driver["status"]["phase"] == "Succeeded"
    assert "sparkoperator.k8s.io/launched-by-spark-operator" not in driver["metadata"]["labels"]
    output = cluster.fetch("results", f"{OUTPUTS}/submitted", tmp_path / "output")
    assert_same_features(features_of(output), local_features)


def _rendered(cluster: Cluster, folder: Path) -> Path:
    """run.sh in `folder`, its files beside it."""
    arguments = ["--input", SAMPLE, "--output", f"s3a://results/{OUTPUTS}/submitted"]
    more = folder / "more.yaml"
    values = {"command": "featurize", "arguments": arguments, **cluster.image_values}
    more.write_text(json.dumps(values))
    server = cluster.kubectl(
        "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"
    )
    command = [sys.executable, "-m", "job", "render", "--target", "spark-submit"]
    command += ["--values", str(cluster.values), "--values", str(more)]
    command += ["--release", RELEASE, "--run-id", "submitted", "--namespace", cluster.namespace]
    command += ["--master", f"k8s://{server}", "--output-dir", str(folder / "files")]
    subprocess.run([*command, "-o", str(folder / "run.sh")], check=True)
    return folder / "run.sh"
