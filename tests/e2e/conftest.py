"""The cluster, the sample in its S3, and one run that is watched while it works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable

from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, now, session, until
from tests.e2e.submitting import Answer, submit

Rows = dict[tuple[str, str], "np.ndarray[Any, np.dtype[np.float32]]"]
SAMPLE = "s3a://images/sample"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of `make kind-up`, with the sample images in its S3."""
    with session(tmp_path_factory.mktemp("cluster")) as it:
        it.put("images", "sample", ROOT / "examples" / "images")
        yield it


def features_of(output: Path) -> Rows:
    """Features by folder and name of the image, as the table under `output` has them."""
    table = DeltaTable(output / "features").to_pyarrow_table(columns=["path", "features"])
    paths = [tuple(path.split("/")[-2:]) for path in table["path"].to_pylist()]
    features = np.array(table["features"].to_pylist(), dtype=np.float32)
    return dict(zip(paths, features, strict=True))


@pytest.fixture(scope="session")
def local_features(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What a run on this machine makes of the sample."""
    output = tmp_path_factory.mktemp("local") / "output"
    images = ROOT / "examples" / "images"
    command = [sys.executable, "-m", "job", "featurize", "--input", str(images)]
    subprocess.run([*command, "--output", str(output)], check=True, cwd=ROOT)
    return features_of(output)


@dataclass
class WatchedRun:
    """A run with the concurrent reader, and what was seen while it worked."""

    application: str
    state: str
    started: str
    ended: str
    output: Path
    executor_addresses: set[str] = field(default_factory=set)
    processes: dict[str, str] = field(default_factory=dict)
    root_writes: dict[str, str] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    driver_from_beside: str = ""
    evicted_log: str = ""


@pytest.fixture(scope="session")
def watched_run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> WatchedRun:
    """A run whose pods are looked into, and one of whose executors is evicted."""
    started = now()
    arguments = ["--input", SAMPLE, "--output", f"s3a://results/{OUTPUTS}/watched"]
    values = {"runId": "watched", "arguments": [*arguments, "--reader", "concurrent"]}
    application = cluster.apply({**values, "executor": {"deleteOnTermination": False}})
    run = WatchedRun(application, "", started, "", tmp_path_factory.mktemp("watched"))
    cluster.wait_for_log(application, "list:")
    until(lambda: len(cluster.executors(application)) >= 2, "two executors run", 300)
    _look_into(cluster, run)
    cluster.wait_for_log(application, "featurize:")
    run.evicted_log = _evict_one(cluster, application)
    run.state = cluster.wait(application)
    run.ended = now()
    run.executor_addresses |= cluster.executor_addresses(application)
    cluster.fetch("results", f"{OUTPUTS}/watched", run.output)
    return run


@dataclass(frozen=True)
class SubmittedRun:
    """A run that `submit --wait` followed, when it began and ended, and a copy of its output."""

    answer: Answer
    started: str
    ended: str
    output: Path


@pytest.fixture(scope="session")
def submitted_run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> SubmittedRun:
    """A run with the s3a reader that nobody disturbs."""
    started = now()
    answer = submit(cluster, "complete", SAMPLE, options=("--reader", "s3a"))
    ended = now()
    output = tmp_path_factory.mktemp("complete")
    cluster.fetch("results", f"{OUTPUTS}/complete", output)
    return SubmittedRun(answer, started, ended, output)


@pytest.fixture(scope="session")
def failed_run(cluster: Cluster) -> Answer:
    """What `submit --wait` says of a run whose input is missing."""
    return submit(cluster, "nowhere", "s3a://images/nowhere")


def _look_into(cluster: Cluster, run: WatchedRun) -> None:
    driver = cluster.get("pod", f"{run.application}-driver")
    run.pods = [driver, *cluster.executors(run.application)]
    run.executor_addresses = {pod["status"]["podIP"] for pod in run.pods[1:]}
    for pod in run.pods[:2]:
        name = pod["metadata"]["name"]
        status = ("bash", "-c", "grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp: /proc/1/status")
        run.processes[name] = cluster.kubectl("exec", name, "--", *status)
        run.root_writes[name] = cluster.kubectl("exec", name, "--", "touch", "/x", check=False)
    run.driver_from_beside = _connect_from_beside(cluster, driver["status"]["podIP"])


def _connect_from_beside(cluster: Cluster, address: str) -> str:
    """What the S3 pod, which is none of ours, gets from the driver's web port."""
    connect = f"timeout 5 bash -c '</dev/tcp/{address}/4040' && echo open || echo closed"
    return cluster.kubectl("exec", "deployment/s3", "--", "bash", "-c", connect).strip()


def _evict_one(cluster: Cluster, application: str) -> str:
    """Evict an executor as a drain does; its log."""
    name = cluster.executors(application)[0]["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": cluster.namespace},
    }
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{name}"
    log = subprocess.Popen(
        ["kubectl", "--namespace", cluster.namespace, "logs", "--follow", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    cluster.kubectl("create", "--raw", f"{path}/eviction", "-f", "-", stdin=json.dumps(eviction))
    return log.communicate(timeout=180)[0]
