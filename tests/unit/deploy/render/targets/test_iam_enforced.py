"""What AWS does in the name of a run (keys, EMR's logs), asked of moto's evaluation of policies.

A local S3 enforces the other statements on real runs: tests/integration/deploy/test_iam.py.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from job.deploy.render.targets.iam import policy
from tests.support.policies import without

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b"
OTHER_KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1c1c1c1c-1c1c-1c1c-1c1c-1c1c1c1c1c1c"
GROUP = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/emr/fruits"
STREAM = f"{GROUP}:log-stream:one/driver/stdout"
S3A = "spark.hadoop.fs.s3a."
APPLICATION: dict[str, Any] = {
    "spec": {
        "arguments": ["run", "--input", "s3a://in/fruits", "--output", "s3a://out/fruits"],
        "sparkConf": {f"{S3A}encryption.algorithm": "SSE-KMS", f"{S3A}encryption.key": KEY},
    }
}
ASKED: dict[str, Any] = {
    "spec": {
        "podTemplates": "s3://emr/templates",
        "logs": {"s3": "s3://emr/logs", "cloudWatch": "/emr/fruits"},
    }
}
POLICY = policy(APPLICATION, ASKED)

# The requests of each right, by the actions and resources of AWS's Service Authorization Reference:
# S3 asks KMS for each object of an encrypted bucket, EMR's agent writes the logs.
REQUESTS = [
    ("UseKey", "kms:GenerateDataKey", KEY),
    ("UseKey", "kms:Decrypt", KEY),
    ("ReadPodTemplates", "s3:GetObject", "arn:aws:s3:::emr/templates/one/driver.yaml"),
    ("ListLogs", "s3:ListBucket", "arn:aws:s3:::emr"),
    ("WriteLogs", "s3:PutObject", "arn:aws:s3:::emr/logs/one/stdout.gz"),
    ("WriteLogs", "s3:GetObject", "arn:aws:s3:::emr/logs/one/stdout.gz"),
    ("WriteLogStreams", "logs:CreateLogStream", STREAM),
    ("WriteLogStreams", "logs:DescribeLogStreams", GROUP),
    ("WriteLogStreams", "logs:PutLogEvents", STREAM),
    ("FindLogGroup", "logs:DescribeLogGroups", f"{GROUP.rpartition(':')[0]}:*"),
]
REFUSED = [
    ("kms:Decrypt", OTHER_KEY),
    ("kms:ScheduleKeyDeletion", KEY),
    ("s3:GetObject", "arn:aws:s3:::emr/templates-of-others/driver.yaml"),
    ("s3:PutObject", "arn:aws:s3:::emr/templates/one/driver.yaml"),
    ("s3:DeleteObject", "arn:aws:s3:::emr/logs/one/stdout.gz"),
    ("logs:PutLogEvents", f"{GROUP}-of-others:log-stream:x"),
    ("logs:DeleteLogGroup", GROUP),
]


def allows(document: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a role with this policy alone may do `action`; conditions are looked at elsewhere."""
    without_conditions = deepcopy(document)
    for statement in without_conditions["Statement"]:
        statement.pop("Condition", None)
    granted = IAMPolicy(json.dumps(without_conditions)).is_action_permitted(action, resource)
    return bool(granted == PermissionResult.PERMITTED)


@pytest.mark.parametrize(("sid", "action", "resource"), REQUESTS)
def test_each_right_is_enough_and_needed(sid: str, action: str, resource: str) -> None:
    assert allows(POLICY, action, resource)
    assert not allows(without(POLICY, sid, action), action, resource)


@pytest.mark.parametrize(("action", "resource"), REFUSED)
def test_other_keys_logs_and_templates_are_refused(action: str, resource: str) -> None:
    assert not allows(POLICY, action, resource)


def test_no_right_of_aws_is_without_a_request() -> None:
    asked = {(sid, action) for sid, action, _ in REQUESTS}
    granted = {(s["Sid"], action) for s in POLICY["Statement"] for action in s["Action"]}
    on_s3 = {pair for pair in granted if pair[0].endswith(("Input", "Output", "Uploads"))}
    assert asked == granted - on_s3
