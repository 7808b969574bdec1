"""A stub of AWS: scripted responses in order, for requests that its service model allows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from job.deploy.submit import watch
from job.deploy.submit.emr import logs
from job.deploy.submit.emr.aws import Aws
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from tests.unit.deploy.submit.emr.examples import CLUSTER, RUN

SERVICES = ("emr-containers", "logs", "s3")


class Answers:
    """Scripted responses; parameters that a test does not name may have any value."""

    def __init__(self) -> None:
        self.clients = {name: client_of(name) for name in SERVICES}
        self._stubbers = {name: Stubber(client) for name, client in self.clients.items()}
        for stubber in self._stubbers.values():
            stubber.activate()

    def to(self, service: str, operation: str, answer: dict[str, Any], **request: Any) -> None:
        stubber = self._stubbers[service]
        given = {"id": ANY, "virtualClusterId": CLUSTER} if "job_run" in operation else {}
        if operation in ("list_job_runs", "start_job_run"):
            given.pop("id")
        stubber.add_response(operation, answer, {**given, **request} or None)

    def refuse(self, service: str, operation: str, code: str, message: str, status: int) -> None:
        self._stubbers[service].add_client_error(operation, code, message, status)

    def states(self, *runs: dict[str, Any]) -> None:
        """Successive responses of `describe_job_run`."""
        for run in runs:
            self.to("emr-containers", "describe_job_run", {"jobRun": run}, id=RUN)

    def no_run_of_this_name(self) -> None:
        self.to("emr-containers", "list_job_runs", {"jobRuns": []}, name="fruits-one")

    def end(self) -> None:
        for stubber in self._stubbers.values():
            stubber.deactivate()
            stubber.assert_no_pending_responses()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """boto3's clients give scripted responses; a test must use all of them."""
    answers = Answers()
    monkeypatch.setattr(boto3, "client", answers.clients.__getitem__)
    yield answers
    answers.end()


@pytest.fixture
def cluster(aws: Answers) -> VirtualCluster:
    return VirtualCluster(CLUSTER, Aws(aws.clients.__getitem__))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(watch, "MAX_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(logs, "POLL_SECONDS", 0.0)


@cache
def client_of(service: str) -> Any:
    """Cached: reading a service model takes longer than a test."""
    return boto3.client(
        service,
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
