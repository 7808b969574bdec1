"""`doctor` as a pod of the cluster: by `helm test`, and each thing that a pod finds wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.cluster import OUTPUTS, Cluster, release, until
from tests.e2e.conftest import SAMPLE

RELEASE = release("doctor")
MISSING = "s3a://no-such-bucket"
OUTPUT = f"s3a://results/{OUTPUTS}/doctor"
# A pod needs no schedule, but a release without one starts a run.
NEVER = "0 0 1 1 *"
WRONG_KEYS = release("keys")

Values = dict[str, Any]


def values_of_pod(more: Values, *options: str, input_path: str = SAMPLE) -> Values:
    """Values of a run with these paths and options."""
    arguments = ["--input", input_path, "--output", OUTPUT, *options]
    return {"arguments": arguments, "schedule": NEVER} | more


@contextmanager
def released(cluster: Cluster, input_path: str = SAMPLE) -> Iterator[None]:
    """A release that starts no run, until the block ends."""
    values = values_of_pod({}, input_path=input_path)
    cluster.chart(values, "upgrade", "--install", RELEASE)
    try:
        yield
    finally:
        cluster.helm("uninstall", RELEASE)
        cluster.kubectl("delete", "pod", f"{RELEASE}-doctor", "--ignore-not-found")


def test_helm_test_passes(cluster: Cluster) -> None:
    with released(cluster):
        ended = cluster.helm("test", RELEASE, "--logs", "--timeout", "10m")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for check in ("identity", "input-image", "output", "magic-commit", "event-log", "forward-pass"):
        assert f"ok      {check}: " in ended.stdout
    assert "failed  " not in ended.stdout


def test_helm_test_fails_where_a_check_does(cluster: Cluster) -> None:
    with released(cluster, f"{MISSING}/images"):
        ended = cluster.helm("test", RELEASE, "--logs", "--timeout", "10m")
    assert ended.returncode != 0
    assert "failed  input-image: " in ended.stdout


@dataclass(frozen=True)
class Case:
    """Values and options that are wrong: the pod's exit code, and what its checks say."""

    name: str
    exit_code: int
    wrong: dict[str, str]
    values: Values = field(default_factory=dict)
    options: tuple[str, ...] = ()
    input_path: str = SAMPLE


# Only one case needs the network.
NO_PASS = ("--weights", "/no-such-file.h5")
NO_WEIGHTS = {"weights": "/no-such-file.h5"}
CASES = (
    Case(
        "policy",
        8,
        NO_WEIGHTS | {"endpoint": "does not answer on port 8333"},
        values={"networkPolicy": {"s3": {"cidrs": ["10.244.0.0/16"], "ports": [9]}}},
        options=NO_PASS,
    ),
    Case(
        "name",
        12,
        NO_WEIGHTS | {"classpath": "no.such.Store", "endpoint": "s3.nowhere.svc does not resolve"},
        values={
            "s3": {"endpoint": "http://s3.nowhere.svc:8333"},
            "sparkConf": {"spark.delta.logStore.s3a.impl": "no.such.Store"},
        },
        options=NO_PASS,
    ),
    Case(
        "keys",
        4,
        NO_WEIGHTS | {"input-image": "refused", "output": "refused", "event-log": "refused"},
        values={"s3": {"secretName": WRONG_KEYS}},
        options=NO_PASS,
    ),
    Case(
        "data",
        2,
        NO_WEIGHTS
        | {
            "allowed-regions": "is in us-east-1",
            "input-image": "no-such-bucket",
            "magic-commit": "was committed by renaming",
            "event-log": "no-such-bucket",
        },
        values={
            "eventLog": {"dir": f"{MISSING}/events"},
            "sparkConf": {
                "spark.sql.parquet.output.committer.class": (
                    "org.apache.parquet.hadoop.ParquetOutputCommitter"
                ),
                "spark.sql.sources.commitProtocolClass": (
                    "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol"
                ),
            },
        },
        options=("--allowed-regions", "eu-*", *NO_PASS),
        input_path=f"{MISSING}/images",
    ),
    Case(
        "memory",
        3,
        {"output": "no-such-bucket", "forward-pass": "failed to map segment"},
        # Of the address space of a Python worker: its libraries take more.
        values={"sparkConf": {"spark.executor.pyspark.memory": "200m"}},
        options=("--output", f"{MISSING}/out"),
    ),
    Case(
        "spark",
        2,
        {"spark": "no.such.Listener"},
        values={"sparkConf": {"spark.extraListeners": "no.such.Listener"}},
    ),
)


@pytest.fixture(scope="module")
def ended(cluster: Cluster) -> Iterator[dict[str, Outcome]]:
    """How each case's pod has ended; they work side by side."""
    keys = ("AWS_ACCESS_KEY_ID=nobody", "AWS_SECRET_ACCESS_KEY=nothing")
    literals = [f"--from-literal={key}" for key in keys]
    cluster.kubectl("create", "secret", "generic", WRONG_KEYS, *literals)
    objects = "\n---\n".join(pod_of(cluster, case) for case in CASES)
    try:
        cluster.kubectl("apply", "-f", "-", stdin=objects)
        yield {case.name: outcome(cluster, case) for case in CASES}
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=objects)
        cluster.kubectl("delete", "secret", WRONG_KEYS)


def pod_of(cluster: Cluster, case: Case) -> str:
    """The pod, and what of the chart it needs, as docs/doctor.md has it."""
    values = values_of_pod(case.values, *case.options, input_path=case.input_path)
    shown = ("serviceaccount", "networkpolicy", "tests/doctor")
    options = [part for each in shown for part in ("--show-only", f"templates/{each}.yaml")]
    return cluster.chart(values, "template", release(case.name), *options)


@dataclass(frozen=True)
class Outcome:
    """How a pod has ended: its exit code, its termination message, and its log."""

    exit_code: int
    message: str
    log: str


def outcome(cluster: Cluster, case: Case) -> Outcome:
    """How a case's pod has ended, once it has."""
    pod = f"{release(case.name)}-doctor"

    def phase() -> str:
        return str(cluster.get("pod", pod)["status"]["phase"])

    until(lambda: phase() in ("Succeeded", "Failed"), f"{pod} ends", 300)
    (container,) = cluster.get("pod", pod)["status"]["containerStatuses"]
    terminated = container["state"]["terminated"]
    return Outcome(terminated["exitCode"], terminated["message"], cluster.kubectl("logs", pod))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pod_says_what_is_wrong(case: Case, ended: dict[str, Outcome]) -> None:
    found = ended[case.name]
    said = dict(re.findall(r"^failed  ([\w-]+): (.*)$", found.log, re.MULTILINE))
    assert said.keys() == case.wrong.keys(), found.log
    for check, text in case.wrong.items():
        assert text in said[check]
    assert found.exit_code == case.exit_code, found.log
    # What `kubectl` and the operator show of it names the checks, without a look at the log.
    assert all(check in found.message for check in case.wrong), found.message
