"""Regions that data must stay in: patterns such as `eu-*`, and where a bucket is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from job.errors import InvalidValueError, TransportError
from job.resources import FOLDERS
from job.s3_uri import location

_ENDPOINT, _REGION = "spark.hadoop.fs.s3a.endpoint", "spark.hadoop.fs.s3a.endpoint.region"
_AWS = re.compile(r"(^|\.)amazonaws\.com(\.cn)?$")
_PATTERN = re.compile(r"[a-z0-9*?-]+")
_SECONDS = 10


def patterns(text: str) -> tuple[str, ...]:
    """`eu-*,us-east-1` as patterns; none of an empty text. Raises InvalidValueError."""
    found = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in found:
        if not _PATTERN.fullmatch(each):
            raise InvalidValueError(
                f"--allowed-regions has {each!r}",
                expected="regions such as eu-central-1, with * for any letters",
                fix="write --allowed-regions 'eu-*,us-east-1'",
            )
    return found


def require_allowed(what: str, region: str, allowed: Sequence[str]) -> None:
    """Raise InvalidValueError unless the region of `what` matches one of the patterns."""
    if not any(fnmatchcase(region, pattern) for pattern in allowed):
        raise InvalidValueError(
            f"{what} is in {region or 'a region that nobody names'}",
            expected=f"one of the allowed regions, {', '.join(allowed)}",
            fix="choose another place, or allow this region with --allowed-regions or the chart's "
            "allowedRegions",
        )


def require_buckets(
    paths: Iterable[str], settings: Mapping[str, str], allowed: Sequence[str]
) -> None:
    """Ask where the buckets of paths and Spark settings are; other paths are of no region.

    An S3 that is not AWS's is where its settings say. Raises what `require_allowed` and
    `bucket_region` raise.
    """
    endpoint, said = settings.get(_ENDPOINT, ""), settings.get(_REGION, "")
    all_paths = [*paths, *(settings.get(name, "") for name in FOLDERS)]
    buckets = dict.fromkeys(filter(None, (location(path)[0] for path in all_paths)))
    for bucket in buckets:
        region = bucket_region(bucket, said) if is_aws(endpoint) else said
        # One that does not exist holds no data, and is told about in its place.
        if region is not None:
            require_allowed(f"the bucket {bucket}", region, allowed)


def is_aws(endpoint: str) -> bool:
    """Whether an address is that of AWS's own S3; an empty one is."""
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    return not host or bool(_AWS.search(host))


def bucket_region(bucket: str, region: str) -> str | None:
    """Where AWS says that a bucket is; None for one that does not exist.

    S3 says it to everybody, whether or not they may look into the bucket: no credentials are
    needed. `region` is where it is asked; empty: us-east-1, which knows all of its partition.
    Raises TransportError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = _client(region).head_bucket(Bucket=bucket)
    except ClientError as refusal:
        answer = refusal.response
    except BotoCoreError as problem:
        said = " ".join(str(problem).split())
        raise TransportError(f"nobody says where the bucket {bucket} is: {said}") from problem
    metadata = answer["ResponseMetadata"]
    if metadata["HTTPStatusCode"] == 404:
        return None
    return str(metadata["HTTPHeaders"].get("x-amz-bucket-region", ""))


def _client(region: str) -> Any:
    # It takes a third of a second to import, which a run without this check need not pay.
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
