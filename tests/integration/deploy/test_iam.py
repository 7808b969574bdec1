"""The rights of `render --target iam`: enough for a run, and none of them spare.

SeaweedFS checks the very policy, as the managed policy of a user. Two things it is more generous
with than AWS: who may put an object may give up its upload too, so that right is denied rather than
left out; and a missing object is told to who may not list, so the last test looks at the requests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from job.deploy.render.targets.iam import policy
from job.s3_uri import parse_s3_uri
from tests.conftest import SPARK_SETTINGS
from tests.support.job_session import JobSession
from tests.support.policies import without

pytestmark = pytest.mark.slow

INPUT, OUTPUT = "s3a://images/team/fruits", "s3a://results/team/fruits"
DESTINATION = "s3a://exports/team/fruits"
EVENT_LOG, BLOCKS = "s3a://results/logs/spark", "s3a://results/blocks"
APPLICATION: dict[str, Any] = {
    "spec": {
        # Those of a run and of an export together.
        "arguments": [
            *("run", "--input", INPUT, f"--output={OUTPUT}", "--destination", DESTINATION)
        ],
        "sparkConf": {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": EVENT_LOG,
            "spark.storage.decommission.fallbackStorage.path": f"{BLOCKS}/",
        },
    }
}
POLICY = policy(APPLICATION)
RIGHTS = [(each["Sid"], action) for each in POLICY["Statement"] for action in each["Action"]]
USER = "job"


@dataclass
class Restricted:
    """The server, the job as its user, and what the user may do."""

    server: LocalS3Server
    job: JobSession
    policy_arn: str = ""

    def allow(self, document: dict[str, Any]) -> None:
        """Replace what the user may do; the server knows it at once."""
        iam = self.server.iam_client()
        if self.policy_arn:
            iam.detach_user_policy(UserName=USER, PolicyArn=self.policy_arn)
            iam.delete_policy(PolicyArn=self.policy_arn)
        made = iam.create_policy(PolicyName="image-features", PolicyDocument=json.dumps(document))
        self.policy_arn = made["Policy"]["Arn"]
        iam.attach_user_policy(UserName=USER, PolicyArn=self.policy_arn)

    def keys(self, path: str) -> list[str]:
        """What is under a path, for who may see all."""
        bucket, prefix = parse_s3_uri(path)
        found = self.server.client().list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")
        return [each["Key"] for each in found.get("Contents", [])]

    def uploads(self, path: str) -> list[str]:
        """The unfinished uploads under a path."""
        bucket, prefix = parse_s3_uri(path)
        found = self.server.client().list_multipart_uploads(Bucket=bucket, Prefix=f"{prefix}/")
        return [each["Key"] for each in found.get("Uploads", [])]


@pytest.fixture(scope="module")
def restricted(sample_images: Path) -> Iterator[Restricted]:
    """Ten images, and a user by whom they are featurized, fitted and exported already."""
    with LocalS3Server(users=True) as server:
        for bucket in ("images", "results", "exports"):
            server.create_bucket(bucket)
        for file in sorted(sample_images.glob("*/*.jpg"))[::24]:
            key = f"team/fruits/{file.parent.name}/{file.name}"
            server.client().put_object(Bucket="images", Key=key, Body=file.read_bytes())
        iam = server.iam_client()
        iam.create_user(UserName=USER)
        keys = iam.create_access_key(UserName=USER)["AccessKey"]
        environment = server.environment(os.environ) | {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        }
        with JobSession(environment, SPARK_SETTINGS | s3a_settings(server.endpoint)) as job:
            found = Restricted(server, job)
            found.allow(POLICY)
            # Without it each later step would fail for want of a table.
            assert job.do("command", ["run", "--input", INPUT, "--output", OUTPUT]) == 0
            yield found


def featurize(on: Restricted) -> bool:
    """The steps that read images, anew."""
    paths = ["--input", INPUT, "--output", OUTPUT]
    return on.job.do("command", ["featurize", "--refeaturize", *paths]) == 0


def fit(on: Restricted) -> bool:
    """A projection is committed where a task has died: its upload is given up."""
    return _gives_up_uploads(on, f"{OUTPUT}/projection", ["fit", "--output", OUTPUT])


def export(on: Restricted) -> bool:
    """The same of an export, which replaces an earlier one."""
    paths = ["--output", OUTPUT, "--destination", DESTINATION]
    return _gives_up_uploads(on, DESTINATION, ["export", "--format", "parquet", *paths])


def _gives_up_uploads(on: Restricted, folder: str, command: list[str]) -> bool:
    bucket, key = parse_s3_uri(f"{folder}/part-0.parquet")
    on.server.client().create_multipart_upload(Bucket=bucket, Key=key)
    return on.job.do("command", command) == 0 and on.uploads(folder) == []


def log_events(on: Restricted) -> bool:
    """An event log that is closed: Spark says nothing where it could not close it."""
    before = set(on.keys(EVENT_LOG))
    said = on.job.do("event_log", EVENT_LOG)
    names = [key.rsplit("/", 1)[1] for key in set(on.keys(EVENT_LOG)) - before]
    closed = [name for name in names if name.startswith("appstatus_")]
    has_events = any(name.startswith("events_") for name in names)
    return not said and has_events and [n.endswith(".inprogress") for n in closed] == [False]


def keep_blocks(on: Restricted) -> bool:
    """Shuffle blocks, written, read and deleted."""
    return not on.job.do("blocks", f"{BLOCKS}/") and on.keys(BLOCKS) == []


# What shows that a right is needed.
NEEDED_FOR: dict[str, Callable[[Restricted], bool]] = {
    "Input": featurize,
    "Output": featurize,
    "Destination": export,
    "DestinationUploads": export,
    "Uploads": fit,
    "EventLog": log_events,
    "FallbackStorage": keep_blocks,
}


def needed_for(sid: str) -> Callable[[Restricted], bool]:
    return next(does for what, does in NEEDED_FOR.items() if sid.endswith(what))


def lacking(sid: str, action: str) -> dict[str, Any]:
    """The policy without one action of one statement, denied where the server infers it."""
    document = without(POLICY, sid, action)
    if action == "s3:AbortMultipartUpload":
        (granted,) = (each for each in POLICY["Statement"] if each["Sid"] == sid)
        denied = {**granted, "Sid": "Denied", "Effect": "Deny", "Action": [action]}
        document["Statement"].append(denied)
    return document


@pytest.mark.parametrize("does", [featurize, fit, export, log_events, keep_blocks])
def test_the_policy_is_enough(restricted: Restricted, does: Callable[[Restricted], bool]) -> None:
    restricted.allow(POLICY)
    assert does(restricted)


@pytest.mark.parametrize(("sid", "action"), RIGHTS)
def test_no_right_is_spare(restricted: Restricted, sid: str, action: str) -> None:
    restricted.allow(lacking(sid, action))
    assert not needed_for(sid)(restricted)


@pytest.mark.parametrize(
    ("bucket", "key"), [("images", "team/other/x"), ("results", "team/other/x"), ("results", "x")]
)
def test_the_policy_ends_at_its_folders(restricted: Restricted, bucket: str, key: str) -> None:
    restricted.allow(POLICY)
    restricted.server.client().put_object(Bucket=bucket, Key=key, Body=b"secret")
    input_path = f"s3a://{bucket}/{key}"
    assert restricted.job.do("command", ["run", "--input", input_path, "--output", OUTPUT]) == 4
    output = ["--output", f"s3a://{bucket}/{key}-results"]
    assert restricted.job.do("command", ["run", "--input", INPUT, *output]) == 4
