"""The least-privilege IAM policy of a rendered run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from job.deploy.render.run_paths import option_value
from job.deploy.render.targets.common import Manifest, RenderedTarget
from job.deploy.render.targets.iam_trust import VERSION, Policy, trust_policies
from job.errors import InvalidValueError
from job.path_rules import is_within
from job.resources import BLOCKS, EVENT_LOG
from job.s3_uri import parse_s3_uri

Statement = dict[str, Any]

_S3A = "spark.hadoop.fs.s3a."
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_READ_FROM = {"Input": "--input", "Bundle": "--bundle", "Model": "--model"}
_READ = ("s3:GetObject",)
_READ_WRITE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
# SSE-KMS needs a data key to write and Decrypt to read; multipart uploads need both.
_USE_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


def convert(
    application: Manifest,
    extra_objects: Sequence[Manifest],
    emr_job_run: Manifest | None,
    oidc_provider: str,
) -> RenderedTarget:
    """The policy as text, and the trust policies of its roles as files.

    `emr_job_run` is the chart's EmrJobRun; None if the run is not on EMR.
    """
    files, omitted = trust_policies(application, extra_objects, emr_job_run, oidc_provider)
    texts = {name: as_json(document) for name, document in files.items()}
    return RenderedTarget(as_json(policy(application, emr_job_run)), texts, tuple(omitted))


def policy(application: Manifest, emr_job_run: Manifest | None = None) -> Policy:
    """The policy of a run's driver and executors, one statement for each purpose.

    Raises InvalidValueError if the arguments have no output on S3.
    """
    conf = application["spec"]["sparkConf"]
    region = conf.get(f"{_S3A}endpoint.region", "")
    partition = partition_of(region)
    statements = [
        *_argument_statements(application["spec"].get("arguments", []), partition),
        *_folder_statements(conf, partition),
        *_encryption_statements(conf, region),
        *(_emr_statements(emr_job_run["spec"], region, partition) if emr_job_run else ()),
    ]
    return {"Version": VERSION, "Statement": statements}


def partition_of(region: str) -> str:
    """The partition of a region in ARNs: `aws`, `aws-cn` or `aws-us-gov`."""
    names = [name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)]
    return names[0] if names else "aws"


def as_json(document: Mapping[str, Any]) -> str:
    """A policy document as JSON, for `aws iam ... file://`."""
    return json.dumps(document, indent=2) + "\n"


def _argument_statements(arguments: Sequence[str], partition: str) -> Iterator[Statement]:
    output = option_value(arguments, "--output")
    if not parse_s3_uri(output)[0]:
        raise InvalidValueError(
            f"the arguments have --output {output!r}" if output else "the arguments name no output",
            expected="--output s3a://bucket/folder",
            fix="set `arguments` of the values",
        )
    for sid_suffix, name in _READ_FROM.items():
        path = option_value(arguments, name)
        # A bundle or model inside the output is covered by the output's permissions.
        if parse_s3_uri(path)[0] and not is_within(path, output):
            yield from _read_statements(sid_suffix, path, partition)
    yield from _write_statements("Output", output, partition)
    yield from _upload_statements("", output, partition)
    destination = option_value(arguments, "--destination")
    if parse_s3_uri(destination)[0] and not is_within(destination, output):
        yield from _write_statements("Destination", destination, partition)
        yield from _upload_statements("Destination", destination, partition)


def _folder_statements(conf: Mapping[str, str], partition: str) -> Iterator[Statement]:
    if conf.get("spark.eventLog.enabled") == "true":
        yield from _write_statements("EventLog", conf[EVENT_LOG], partition)
    blocks = conf.get(BLOCKS)
    if blocks:
        yield from _write_statements("FallbackStorage", blocks, partition)


def _encryption_statements(conf: Mapping[str, str], region: str) -> Iterator[Statement]:
    key = conf.get(f"{_S3A}encryption.key", "")
    # Without a customer-managed key, S3 uses AWS's own, which needs no permission.
    if "KMS" not in conf.get(f"{_S3A}encryption.algorithm", "") or not key:
        return
    statement = _allow("UseKey", _USE_KEY, key)
    if region:
        suffix = ".cn" if partition_of(region) == "aws-cn" else ""
        condition = {"kms:ViaService": f"s3.{region}.amazonaws.com{suffix}"}
        statement["Condition"] = {"StringEquals": condition}
    yield statement


def _emr_statements(
    emr_spec: Mapping[str, Any], region: str, partition: str
) -> Iterator[Statement]:
    templates = _object_arns(emr_spec["podTemplates"], partition)
    yield _allow("ReadPodTemplates", _READ, templates)
    logs = emr_spec["logs"]
    if logs["s3"]:
        yield _list_statement("Logs", logs["s3"], partition)
        yield _allow(
            "WriteLogs", ("s3:GetObject", "s3:PutObject"), _object_arns(logs["s3"], partition)
        )
    if logs["cloudWatch"]:
        group = f"arn:{partition}:logs:{region or '*'}:*:log-group:{logs['cloudWatch']}"
        actions = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
        yield _allow("WriteLogStreams", actions, [group, f"{group}:*"])
        # DescribeLogGroups cannot be restricted to one group.
        all_groups = f"arn:{partition}:logs:{region or '*'}:*:log-group:*"
        yield _allow("FindLogGroup", ("logs:DescribeLogGroups",), all_groups)


def _read_statements(sid_suffix: str, path: str, partition: str) -> Iterator[Statement]:
    yield _list_statement(sid_suffix, path, partition)
    yield _allow(f"Read{sid_suffix}", _READ, _object_arns(path, partition))


def _write_statements(sid_suffix: str, path: str, partition: str) -> Iterator[Statement]:
    yield _list_statement(sid_suffix, path, partition)
    yield _allow(f"ReadWrite{sid_suffix}", _READ_WRITE, _object_arns(path, partition))


def _list_statement(sid_suffix: str, path: str, partition: str) -> Statement:
    bucket, key = parse_s3_uri(path)
    statement = _allow(f"List{sid_suffix}", ("s3:ListBucket",), f"arn:{partition}:s3:::{bucket}")
    if key:
        # For a missing key, S3 checks ListBucket with the key itself as prefix: without this
        # permission it answers 403 where s3a expects 404.
        statement["Condition"] = {"StringLike": {"s3:prefix": [key, f"{key}/*"]}}
    return statement


def _upload_statements(what: str, path: str, partition: str) -> Iterator[Statement]:
    """The committer looks for uploads of tasks that died, and gives them up: they are paid for."""
    bucket = f"arn:{partition}:s3:::{parse_s3_uri(path)[0]}"
    # S3 knows no s3:prefix for this listing.
    yield _allow(f"List{what}Uploads", ("s3:ListBucketMultipartUploads",), bucket)
    yield _allow(f"Abort{what}Uploads", ("s3:AbortMultipartUpload",), _object_arns(path, partition))


def _object_arns(path: str, partition: str) -> list[str]:
    """The ARNs of a folder's objects, and of an object with its name, which s3a looks up first."""
    bucket, key = parse_s3_uri(path)
    root = f"arn:{partition}:s3:::{bucket}"
    return [f"{root}/{key}", f"{root}/{key}/*"] if key else [f"{root}/*"]


def _allow(sid: str, actions: Sequence[str], resource: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
