"""The host that requests to a bucket of S3 go to: a host of the bucket, or the endpoint itself."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping

from job.errors import InvalidValueError
from job.quantities import parse_endpoint
from job.regions import is_aws_endpoint
from job.resources import FOLDERS
from job.s3_uri import buckets

_S3A = "spark.hadoop.fs.s3a."
_ENDPOINT, _PATH_STYLE = f"{_S3A}endpoint", f"{_S3A}path.style.access"
_IPV4 = re.compile(r"(\d{1,3}\.){3}\d{1,3}")
_HOST_LABEL = re.compile(r"(?!-)[a-z\d-]{1,63}(?<!-)")
# Answers of DNS that are final; a server that is not reached may know the name.
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def by_path(bucket: str, endpoint: str, path_style: bool) -> bool:
    """Whether requests to `bucket` name it in their path; `endpoint` is empty for AWS.

    The AWS SDK of s3a decides the same (its endpoint rules of S3), and so does botocore: path style
    where it is set, for an IP address, and for a bucket whose name cannot be part of a host name.
    Certificates cover one label, so that over https a name with dots is such a one.
    """
    asked = parse_endpoint(endpoint)
    return path_style or is_ip(asked.hostname or "") or not _is_host_name(bucket, asked.scheme)


def is_ip(host: str) -> bool:
    """Whether a host, IPv6 without its brackets, is an IP address."""
    return ":" in host or _IPV4.fullmatch(host) is not None


def with_path_style(settings: Mapping[str, str]) -> dict[str, str]:
    """Spark's `settings`, with path style where the endpoint is an IP address.

    Nothing else works there, and s3a itself does otherwise for a bucket with dots over http.
    Raises InvalidValueError for an endpoint that is no address.
    """
    host = parse_endpoint(settings.get(_ENDPOINT, "")).hostname or ""
    return {**settings, **({_PATH_STYLE: "true"} if is_ip(host) else {})}


def _is_host_name(bucket: str, scheme: str) -> bool:
    labels = bucket.split(".") if scheme == "http" else [bucket]
    return (
        len(bucket) > 2
        and not is_ip(bucket)
        and all(_HOST_LABEL.fullmatch(label) for label in labels)
    )


def require_hosts(paths: Iterable[str], settings: Mapping[str, str]) -> None:
    """Look whether DNS knows the hosts of the buckets of paths and of Spark's own folders.

    `settings` are Spark's. Raises InvalidValueError where DNS knows the endpoint and no host of a
    bucket at it, and for an endpoint that is no address.
    """
    for bucket in buckets([*paths, *(settings.get(name, "") for name in FOLDERS)]):
        endpoint = _setting(settings, bucket, "endpoint")
        endpoint_host = parse_endpoint(endpoint).hostname or ""
        path_style = _setting(settings, bucket, "path.style.access").lower() == "true"
        # A proxy asks DNS itself.
        proxy = _setting(settings, bucket, "proxy.host")
        if not (proxy or is_aws_endpoint(endpoint) or by_path(bucket, endpoint, path_style)):
            _require_host(bucket, endpoint_host)


def _setting(settings: Mapping[str, str], bucket: str, name: str) -> str:
    """What is set for a bucket, else for all of them."""
    of_all = settings.get(f"{_S3A}{name}", "")
    return settings.get(f"{_S3A}bucket.{bucket}.{name}", of_all).strip()


def _require_host(bucket: str, endpoint_host: str) -> None:
    host = f"{bucket}.{endpoint_host}"
    if not _is_known(host) and _is_known(endpoint_host):
        raise InvalidValueError(
            f"without path style the bucket {bucket} is asked at {host}, which DNS does not know",
            expected="a host name for each bucket, or path style",
            fix="set spark.hadoop.fs.s3a.path.style.access=true, in the chart s3.pathStyle: true",
        )


def _is_known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror as error:
        return error.errno not in _UNKNOWN_NAME
    except UnicodeError:
        # A label of more than 63 characters, or of none.
        return False
    return True
