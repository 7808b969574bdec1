"""Allowed regions: patterns such as `eu-*`, and the region of a bucket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from job.errors import InvalidValueError, TransportError
from job.resources import FOLDERS
from job.s3_uri import buckets

_ENDPOINT, _REGION = "spark.hadoop.fs.s3a.endpoint", "spark.hadoop.fs.s3a.endpoint.region"
# The DNS suffixes of all partitions, also of dualstack endpoints. A test compares botocore's.
AWS_SUFFIXES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "api.aws",
    "api.aws.hci.ic.gov",
    "api.aws.ic.gov",
    "api.aws.scloud",
    "api.cloud-aws.adc-e.uk",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "sc2s.sgov.gov",
)
# `s3.eu-west-1`, `s3-fips.dualstack.us-gov-west-1`, and the older `s3-eu-west-1`.
_S3_HOST = re.compile(
    r"(?:^|\.)s3(?:-fips)?(?:\.dualstack)?[.-](?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+)\."
)
_PATTERN = re.compile(r"[a-z0-9*?-]+")
_SECONDS = 10


def parse_patterns(text: str) -> tuple[str, ...]:
    """The patterns of a list such as `eu-*,us-east-1`. Raises InvalidValueError."""
    parsed = tuple(pattern.strip() for pattern in text.split(",") if pattern.strip())
    for pattern in parsed:
        if not _PATTERN.fullmatch(pattern):
            raise InvalidValueError(
                f"--allowed-regions has {pattern!r}",
                expected="regions such as eu-central-1, with * for any characters",
                fix="write --allowed-regions 'eu-*,us-east-1'",
            )
    return parsed


def require_allowed(what: str, region: str, allowed: Sequence[str]) -> None:
    """Raise InvalidValueError unless the region of `what` matches one of the patterns."""
    if not any(fnmatchcase(region, pattern) for pattern in allowed):
        raise InvalidValueError(
            f"{what} is in {region or 'an unknown region'}",
            expected=f"one of the allowed regions, {', '.join(allowed)}",
            fix="choose another place, or allow this region with --allowed-regions or the chart's "
            "allowedRegions",
        )


def require_buckets_allowed(
    paths: Iterable[str], settings: Mapping[str, str], allowed: Sequence[str]
) -> None:
    """Check the regions of all buckets in the paths and the Spark settings.

    The region of other stores than AWS comes from the settings. Raises the errors of
    `require_allowed` and `find_bucket_region`.
    """
    endpoint, configured = settings.get(_ENDPOINT, ""), settings.get(_REGION, "")
    for bucket in buckets([*paths, *(settings.get(name, "") for name in FOLDERS)]):
        is_aws = is_aws_endpoint(endpoint)
        region = find_bucket_region(bucket, configured) if is_aws else configured
        # A missing bucket holds no data; a later step reports it.
        if region is not None:
            require_allowed(f"the bucket {bucket}", region, allowed)


def is_aws_endpoint(endpoint: str) -> bool:
    """Whether an endpoint belongs to AWS, as the empty (default) endpoint does."""
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    return not host or f".{host}".endswith(tuple(f".{suffix}" for suffix in AWS_SUFFIXES))


def aws_region_of(host: str) -> str | None:
    """The region in the host name of an S3 endpoint of AWS; None for other hosts."""
    match = _S3_HOST.search(host) if is_aws_endpoint(host) else None
    return match["region"] if match else None


def find_bucket_region(bucket: str, region: str) -> str | None:
    """The region of a bucket, from AWS; None if the bucket does not exist.

    S3 returns the region even without access to the bucket, so no credentials are needed. The
    request goes to `region`, or to us-east-1, which knows all buckets of its partition. Raises
    TransportError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        response = _client(region).head_bucket(Bucket=bucket)
    except ClientError as error:
        response = error.response
    except BotoCoreError as problem:
        reason = " ".join(str(problem).split())
        raise TransportError(f"the region of the bucket {bucket} is unknown: {reason}") from problem
    metadata = response["ResponseMetadata"]
    if metadata["HTTPStatusCode"] == 404:
        return None
    return str(metadata["HTTPHeaders"].get("x-amz-bucket-region", ""))


def _client(region: str) -> Any:
    # Importing boto3 takes 0.3 s, and a run without this check does not need it.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED,
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 3},
        ignore_configured_endpoint_urls=True,
    )
    return boto3.client("s3", region_name=region or "us-east-1", config=config)
