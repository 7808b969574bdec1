"""Logs of EMR in CloudWatch and on S3."""

from __future__ import annotations

import gzip
import io

import pytest
from botocore.response import StreamingBody

from job.deploy.submit.emr import logs
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.errors import InvalidValueError, NoSuchObjectError
from tests.unit.deploy.submit.emr.conftest import Answers
from tests.unit.deploy.submit.emr.examples import CLOUDWATCH, CLUSTER, RUN, S3, job_run

BELOW = f"{CLUSTER}/jobs/{RUN}/containers"
DRIVER = f"{BELOW}/spark-1/spark-{RUN}-driver"
SECOND_EXECUTOR = f"{BELOW}/spark-1/fruits-one-0a1b-exec-2"
SUBMITTER = f"{BELOW}/{RUN}-x7x7x"


def streams(aws: Answers, *names: str) -> None:
    found = [{"logStreamName": f"fruits-one/{name}"} for name in names]
    aws.to(
        "logs",
        "describe_log_streams",
        {"logStreams": found},
        logGroupName="/emr/logs",
        logStreamNamePrefix=f"fruits-one/{BELOW}/",
    )


def events(aws: Answers, *texts: str, since: int = 0, at: int = 1_000_000) -> None:
    """What CloudWatch has of both streams of the driver; an event's id is its text."""
    found = [{"message": text, "eventId": text, "timestamp": at} for text in texts]
    aws.to(
        "logs",
        "filter_log_events",
        {"events": found},
        logGroupName="/emr/logs",
        logStreamNames=[f"fruits-one/{DRIVER}/stderr", f"fruits-one/{DRIVER}/stdout"],
        startTime=since,
    )


def files(aws: Answers, *names: str) -> None:
    found = [{"Key": f"logs/{name}"} for name in names]
    where = {"Bucket": "bucket", "Prefix": f"logs/{BELOW}/"}
    aws.to("s3", "list_objects_v2", {"Contents": found}, **where)


def content(aws: Answers, name: str, text: str) -> None:
    packed = gzip.compress(text.encode())
    body = StreamingBody(io.BytesIO(packed), len(packed))
    aws.to("s3", "get_object", {"Body": body}, Bucket="bucket", Key=f"logs/{name}")


def test_both_streams_of_the_driver_are_read_by_time(aws: Answers, cluster: VirtualCluster) -> None:
    run = job_run("RUNNING", **CLOUDWATCH, **S3)
    streams(aws, f"{SUBMITTER}/stderr", f"{DRIVER}/stderr", f"{DRIVER}/stdout")
    events(aws, "first", "second")
    assert [*logs.read_lines(logs.open_store(cluster, run), run, None, None)] == ["first", "second"]


def test_files_are_unpacked_with_what_went_wrong_last(
    aws: Answers, cluster: VirtualCluster
) -> None:
    run = job_run("FAILED", **S3)
    files(aws, f"{DRIVER}/stderr.gz", f"{DRIVER}/stdout.gz", f"{SECOND_EXECUTOR}/stdout.gz")
    content(aws, f"{DRIVER}/stdout.gz", "at work\nat work ü\n")
    content(aws, f"{DRIVER}/stderr.gz", "image-features: --input is empty\n")
    found = [*logs.read_lines(logs.open_store(cluster, run), run, None, 2)]
    assert found == ["at work ü", "image-features: --input is empty"]


def test_an_executor_is_found_by_its_number(aws: Answers, cluster: VirtualCluster) -> None:
    run = job_run("RUNNING", **S3)
    store = logs.open_store(cluster, run)
    files(aws, f"{DRIVER}/stdout.gz", f"{SECOND_EXECUTOR}/stdout.gz")
    content(aws, f"{SECOND_EXECUTOR}/stdout.gz", "executor\n")
    assert [*logs.read_lines(store, run, 2, None)] == ["executor"]
    files(aws, f"{DRIVER}/stdout.gz", f"{SECOND_EXECUTOR}/stdout.gz")
    with pytest.raises(InvalidValueError, match="--executor is 3, which has no log; expected one"):
        logs.read_lines(store, run, 3, None)


def test_a_driver_without_a_log_is_reported(aws: Answers, cluster: VirtualCluster) -> None:
    run = job_run("SUBMITTED", **CLOUDWATCH)
    streams(aws, f"{SUBMITTER}/stderr")
    with pytest.raises(InvalidValueError, match=f"the driver of {RUN} has no log yet"):
        logs.read_lines(logs.open_store(cluster, run), run, None, None)


def test_a_missing_log_group_is_reported(aws: Answers, cluster: VirtualCluster) -> None:
    run = job_run("RUNNING", **CLOUDWATCH)
    message = "The specified log group does not exist."
    aws.refuse("logs", "describe_log_streams", "ResourceNotFoundException", message, 400)
    with pytest.raises(NoSuchObjectError, match=message):
        logs.read_lines(logs.open_store(cluster, run), run, None, None)


def test_a_log_is_waited_for_and_followed_until_the_run_ends(
    aws: Answers, cluster: VirtualCluster
) -> None:
    at_work, end = job_run("RUNNING", **CLOUDWATCH), job_run("COMPLETED", **CLOUDWATCH)
    driver = (f"{DRIVER}/stderr", f"{DRIVER}/stdout")
    aws.states(at_work, at_work, at_work, end)
    streams(aws)
    streams(aws, *driver)
    events(aws, "a", "b")
    # Late lines have an older time: the last minute is read again, without repeating lines.
    streams(aws, *driver)
    events(aws, "a", "b", "late", since=940_000)
    streams(aws, *driver)
    events(aws, "b", "late", "last", since=940_000)
    said: list[str] = []
    found = [*logs.follow_lines(cluster, at_work, None, None, said.append)]
    assert found == ["a", "b", "late", "last"]
    assert said == [f"the driver of {RUN} has no log yet"]


def test_following_begins_with_the_last_lines(aws: Answers, cluster: VirtualCluster) -> None:
    run, end = job_run("RUNNING", **CLOUDWATCH), job_run("COMPLETED", **CLOUDWATCH)
    aws.states(run, end)
    streams(aws, f"{DRIVER}/stderr", f"{DRIVER}/stdout")
    events(aws, "a", "b", "c")
    streams(aws, f"{DRIVER}/stderr", f"{DRIVER}/stdout")
    events(aws, "c", "d", "e", since=940_000)
    assert [*logs.follow_lines(cluster, run, None, 1, print)] == ["c", "d", "e"]
