"""The rights on AWS that a run needs, and no others: an IAM policy of what is rendered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from job.deploy.render.run_paths import option
from job.deploy.render.targets.common import Converted, Manifest
from job.deploy.render.targets.iam_trust import VERSION, Policy, trusts
from job.errors import InvalidValueError
from job.resources import BLOCKS, EVENT_LOG
from job.s3_uri import is_within, location

Statement = dict[str, Any]

_S3A = "spark.hadoop.fs.s3a."
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_READ_FROM = {"Input": "--input", "Bundle": "--bundle", "Model": "--model"}
_READ = ("s3:GetObject",)
_READ_WRITE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
# Of SSE-KMS: a data key for each object written, and to read; parts of an upload need both.
_USE_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


def converted(
    application: Manifest, beside: Sequence[Manifest], asked: Manifest | None, oidc_provider: str
) -> Converted:
    """The policy as text, and the trust policies of the roles that get it as files beside it.

    `asked` is the chart's EmrJobRun; None where the run is not on EMR.
    """
    files, left_out = trusts(application, beside, asked, oidc_provider)
    texts = {name: as_json(document) for name, document in files.items()}
    return Converted(as_json(policy(application, asked)), texts, tuple(left_out))


def policy(application: Manifest, asked: Manifest | None = None) -> Policy:
    """The policy of a run's driver and executors, one statement a purpose.

    Raises InvalidValueError for arguments without a path on S3.
    """
    conf = application["spec"]["sparkConf"]
    region = conf.get(f"{_S3A}endpoint.region", "")
    partition = partition_of(region)
    statements = [
        *_of_arguments(application["spec"].get("arguments", []), partition),
        *_of_folders(conf, partition),
        *_of_encryption(conf, region),
        *(_of_emr(asked["spec"], region, partition) if asked else ()),
    ]
    return {"Version": VERSION, "Statement": statements}


def partition_of(region: str) -> str:
    """What ARNs of a region begin with, after `arn:`."""
    found = [name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)]
    return found[0] if found else "aws"


def as_json(document: Mapping[str, Any]) -> str:
    """A document as `aws iam` reads it from a file."""
    return json.dumps(document, indent=2) + "\n"


def _of_arguments(arguments: Sequence[str], partition: str) -> Iterator[Statement]:
    output = option(arguments, "--output")
    if not location(output)[0]:
        raise InvalidValueError(
            f"the arguments have --output {output!r}" if output else "the arguments name no output",
            expected="--output s3a://bucket/folder, which the rights are for",
            fix="set `arguments` of the values",
        )
    for what, name in _READ_FROM.items():
        path = option(arguments, name)
        # A bundle or a model of the same output is read with the rights on it.
        if location(path)[0] and not is_within(path, output):
            yield from _reads(what, path, partition)
    yield from _writes("Output", output, partition)
    yield from _uploads(output, partition)
    destination = option(arguments, "--destination")
    if location(destination)[0] and not is_within(destination, output):
        yield from _writes("Destination", destination, partition)


def _of_folders(conf: Mapping[str, str], partition: str) -> Iterator[Statement]:
    if conf.get("spark.eventLog.enabled") == "true":
        yield from _writes("EventLog", conf[EVENT_LOG], partition)
    blocks = conf.get(BLOCKS)
    if blocks:
        yield from _writes("FallbackStorage", blocks, partition)


def _of_encryption(conf: Mapping[str, str], region: str) -> Iterator[Statement]:
    key = conf.get(f"{_S3A}encryption.key", "")
    # Without a key of one's own S3 takes AWS's, which needs no right.
    if "KMS" not in conf.get(f"{_S3A}encryption.algorithm", "") or not key:
        return
    statement = _allowed("UseKey", _USE_KEY, key)
    if region:
        suffix = ".cn" if partition_of(region) == "aws-cn" else ""
        through = {"kms:ViaService": f"s3.{region}.amazonaws.com{suffix}"}
        statement["Condition"] = {"StringEquals": through}
    yield statement


def _of_emr(asked: Mapping[str, Any], region: str, partition: str) -> Iterator[Statement]:
    templates = _objects(asked["podTemplates"], partition)
    yield _allowed("ReadPodTemplates", _READ, templates)
    logs = asked["logs"]
    if logs["s3"]:
        yield _listing("Logs", logs["s3"], partition)
        yield _allowed(
            "WriteLogs", ("s3:GetObject", "s3:PutObject"), _objects(logs["s3"], partition)
        )
    if logs["cloudWatch"]:
        group = f"arn:{partition}:logs:{region or '*'}:*:log-group:{logs['cloudWatch']}"
        actions = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
        yield _allowed("WriteLogStreams", actions, [group, f"{group}:*"])
        # A listing of groups cannot be restricted to one.
        every = f"arn:{partition}:logs:{region or '*'}:*:log-group:*"
        yield _allowed("FindLogGroup", ("logs:DescribeLogGroups",), every)


def _reads(what: str, path: str, partition: str) -> Iterator[Statement]:
    yield _listing(what, path, partition)
    yield _allowed(f"Read{what}", _READ, _objects(path, partition))


def _writes(what: str, path: str, partition: str) -> Iterator[Statement]:
    yield _listing(what, path, partition)
    yield _allowed(f"ReadWrite{what}", _READ_WRITE, _objects(path, partition))


def _listing(what: str, path: str, partition: str) -> Statement:
    bucket, key = location(path)
    statement = _allowed(f"List{what}", ("s3:ListBucket",), f"arn:{partition}:s3:::{bucket}")
    if key:
        # For a key that is missing S3 takes the key itself as the prefix: without this right it
        # answers 403 where s3a waits for 404.
        statement["Condition"] = {"StringLike": {"s3:prefix": [key, f"{key}/*"]}}
    return statement


def _uploads(output: str, partition: str) -> Iterator[Statement]:
    """The committer looks for uploads of tasks that died, and gives them up: they are paid for."""
    bucket = f"arn:{partition}:s3:::{location(output)[0]}"
    # S3 knows no s3:prefix for this listing.
    yield _allowed("ListUploads", ("s3:ListBucketMultipartUploads",), bucket)
    yield _allowed("AbortUploads", ("s3:AbortMultipartUpload",), _objects(output, partition))


def _objects(path: str, partition: str) -> list[str]:
    """A folder's objects, and the object of its own name: s3a asks first whether there is one."""
    bucket, key = location(path)
    root = f"arn:{partition}:s3:::{bucket}"
    return [f"{root}/{key}", f"{root}/{key}/*"] if key else [f"{root}/*"]


def _allowed(sid: str, actions: Sequence[str], resource: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
