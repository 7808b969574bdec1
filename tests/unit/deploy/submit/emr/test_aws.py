"""Error responses of AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from job.aws_errors import error_from_exception
from job.deploy.submit.emr.aws import Aws
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    JobError,
    NoSuchObjectError,
    TransportError,
)
from tests.unit.deploy.submit.emr.conftest import Answers, client_of
from tests.unit.deploy.submit.emr.examples import CLUSTER, RUN


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 403, AccessDeniedError),
        ("ExpiredTokenException", 400, AccessDeniedError),
        ("UnrecognizedClientException", 403, AccessDeniedError),
        ("ResourceNotFoundException", 404, NoSuchObjectError),
        ("ValidationException", 400, InvalidValueError),
        ("ThrottlingException", 429, TransportError),
        ("Throttling", 400, TransportError),
        ("InternalServerException", 500, TransportError),
        ("SomethingNew", 503, TransportError),
    ],
)
def test_an_error_response_is_one_line_with_the_operation(
    aws: Answers, cluster: VirtualCluster, code: str, status: int, kind: type[JobError]
) -> None:
    aws.refuse("emr-containers", "describe_job_run", code, "because\nof that", status)
    with pytest.raises(kind, match="DescribeJobRun: because of that") as error:
        cluster.read(RUN)
    assert type(error.value) is kind


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (NoCredentialsError(), AccessDeniedError),
        (EndpointConnectionError(endpoint_url="https://emr"), TransportError),
        (ReadTimeoutError(endpoint_url="https://emr"), TransportError),
    ],
)
def test_a_missing_response_is_an_error_of_its_kind(
    problem: Exception, kind: type[JobError]
) -> None:
    assert type(error_from_exception(problem)) is kind


def test_a_missing_region_is_reported_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(InvalidValueError, match="region; fix: set AWS_REGION"):
        VirtualCluster(CLUSTER).read(RUN)


def test_a_request_that_the_model_does_not_allow_is_not_sent() -> None:
    cluster = VirtualCluster(CLUSTER, Aws(client_of))
    with pytest.raises(InvalidValueError, match="Parameter validation failed"):
        cluster.start({"name": 7})


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_throttling_is_tried_again_by_botocore_as_it_is_configured(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    client = client_of.__wrapped__("emr-containers")
    slower = (429, {"message": "Rate exceeded"}, {"x-amzn-errortype": "ThrottlingException"})
    answers = [slower, slower, (200, {"jobRun": {"id": RUN, "state": "RUNNING"}}, {})]

    def answer(request: Any, **_: Any) -> AWSResponse:
        status, body, headers = answers.pop(0)
        return _Answer(request.url, status, headers, json.dumps(body).encode())

    client.meta.events.register("before-send.emr-containers.DescribeJobRun", answer)
    assert VirtualCluster(CLUSTER, Aws(lambda _: client)).read(RUN)["state"] == "RUNNING"
    assert answers == []


class _Answer(AWSResponse):
    """An answer of which the body is there."""

    def __init__(self, url: str, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(url, status, headers, None)
        self._content = body
