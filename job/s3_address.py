"""Addresses S3 buckets: by a host name for each bucket, or by path style at the endpoint."""

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
# Final answers of DNS; other errors may be those of the network.
_UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def uses_path_style(bucket: str, endpoint: str, path_style: bool) -> bool:
    """Whether requests to `bucket` use path style; `endpoint` is empty for AWS.

    Follows the endpoint rules of the AWS SDK in s3a, and botocore: path style is used if it is set,
    for an IP address, and for a bucket name that cannot be part of a host name. Over https, names
    with dots cannot, because a certificate covers one label.
    """
    url = parse_endpoint(endpoint)
    return path_style or is_ip(url.hostname or "") or not _is_host_name(bucket, url.scheme)


def is_ip(host: str) -> bool:
    """Whether a host is an IP address (IPv6 without brackets)."""
    return ":" in host or _IPV4.fullmatch(host) is not None


def with_path_style(settings: Mapping[str, str]) -> dict[str, str]:
    """Spark's `settings`, with path style if the endpoint is an IP address.

    IP addresses need path style, but s3a does not use it for a bucket name with dots over http.
    Raises InvalidValueError for an invalid endpoint.
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
    """Check that DNS knows the hosts of the buckets of `paths` and of Spark's own folders.

    `settings` are Spark's. Raises InvalidValueError if DNS knows the endpoint but not the host of
    a bucket, and for an invalid endpoint.
    """
    for bucket in buckets([*paths, *(settings.get(name, "") for name in FOLDERS)]):
        endpoint = _setting(settings, bucket, "endpoint")
        endpoint_host = parse_endpoint(endpoint).hostname or ""
        path_style = _setting(settings, bucket, "path.style.access").lower() == "true"
        # A proxy resolves host names itself.
        proxy = _setting(settings, bucket, "proxy.host")
        if not (
            proxy or is_aws_endpoint(endpoint) or uses_path_style(bucket, endpoint, path_style)
        ):
            _require_host(bucket, endpoint_host)


def _setting(settings: Mapping[str, str], bucket: str, name: str) -> str:
    """The setting of a bucket, else the setting of all buckets."""
    default = settings.get(f"{_S3A}{name}", "")
    return settings.get(f"{_S3A}bucket.{bucket}.{name}", default).strip()


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
        # A label is empty or longer than 63 characters.
        return False
    return True
