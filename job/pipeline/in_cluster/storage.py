"""The object store: endpoint, credentials, region, and whether a run can read and write."""

from __future__ import annotations

import socket
from contextlib import suppress
from itertools import islice
from urllib.parse import urlsplit

from job import regions, s3_address
from job.aws_errors import translate_aws_errors
from job.checks import CannotCheckError
from job.errors import (
    InputNotFoundError,
    InvalidValueError,
    TransportError,
    UnmappableSettingError,
)
from job.features.backbones import backbone
from job.images.decode import BadImageError, DecodeRules, decode
from job.images.fetch import object_reader, shared_s3_client
from job.images.listing import first_objects
from job.images.s3_client import create_session
from job.images.s3a_client import S3AClient
from job.images.s3a_config import StoreSettings, endpoint_url
from job.images.storage import StoredObject
from job.layout import Layout
from job.output.access import check_output, probe
from job.output.summary import committer_of
from job.paths import split_path
from job.pipeline.in_cluster.context import InClusterContext, translate_spark_errors
from job.runtime import filesystem

_SECONDS = 5.0
# One of the first objects should be an image.
_MAX_OBJECTS = 100
_RUN_ID = "doctor"
_COMMITTER = "spark.hadoop.fs.s3a.committer.name"
_EVENT_LOG = "spark.eventLog.dir"


def endpoint(context: InClusterContext) -> str:
    """The host name of the store resolves (DNS), and its port is open (network policies)."""
    if context.hadoop.get("fs.s3a.proxy.host"):
        raise CannotCheckError("requests go through fs.s3a.proxy.host")
    buckets = context.buckets
    url = endpoint_url(context.hadoop) or _aws_endpoint(context)
    address = urlsplit(url)
    endpoint_host = address.hostname or ""
    path_style = context.hadoop.get("fs.s3a.path.style.access", "false").lower() == "true"
    path_style_buckets = {
        bucket for bucket in buckets if s3_address.uses_path_style(bucket, url, path_style)
    }
    hosts = [
        endpoint_host if bucket in path_style_buckets else f"{bucket}.{endpoint_host}"
        for bucket in buckets
    ]
    port = address.port or (80 if address.scheme == "http" else 443)
    for host in dict.fromkeys(hosts):
        _require_answer(host, port)
    return f"{endpoint_host}:{port} answers"


def _aws_endpoint(context: InClusterContext) -> str:
    region = context.hadoop.get("fs.s3a.endpoint.region")
    suffix = ".cn" if (region or "").startswith("cn-") else ""
    return f"https://s3.{region}.amazonaws.com{suffix}" if region else "https://s3.amazonaws.com"


def _require_answer(host: str, port: int) -> None:
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as problem:
        raise TransportError(
            f"the name {host} does not resolve: {problem.strerror}",
            expected="an address from DNS",
            fix="check s3.endpoint and s3.pathStyle, and that pods may reach DNS on port 53",
        ) from problem
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as problem:
        raise TransportError(
            f"{host} ({addresses[0][4][0]}) does not answer on port {port}: {problem}",
            expected="an open port",
            fix="check s3.endpoint, and networkPolicy.s3.cidrs and ports of the values",
        ) from problem


def identity(context: InClusterContext) -> str:
    """Credentials are found; reports their provider and identity."""
    context.require_s3()
    try:
        session = create_session(context.store)
    except UnmappableSettingError as setting:
        raise CannotCheckError(f"only s3a has the credentials: {setting.what}") from setting
    credentials = session.get_credentials()
    if credentials is None:
        return "anonymous, as configured by fs.s3a.aws.credentials.provider"
    key = credentials.get_frozen_credentials().access_key
    source = f"key {key[:4]}...{key[-2:]} from {credentials.method}"
    if context.store.endpoint is not None:
        return source
    with translate_aws_errors():
        sts = session.create_client("sts", region_name=context.store.region or "us-east-1")
        return f"{sts.get_caller_identity()['Arn']}, {source}"


def region(context: InClusterContext) -> str:
    """Each bucket is in the region for which requests are signed."""
    buckets = context.buckets
    if context.store.endpoint is not None:
        raise CannotCheckError(f"{context.store.endpoint} is not AWS: it has no regions")
    with translate_aws_errors():
        actual_regions = {name: shared_s3_client(context.store).region_of(name) for name in buckets}
    for name, actual in actual_regions.items():
        if context.store.region not in (None, actual):
            raise InvalidValueError(
                f"the bucket {name} is in {actual}, and requests go to {context.store.region}",
                expected="one region for the buckets and the cluster",
                fix=f"set s3.region: {actual}",
            )
    return ", ".join(f"{name} in {actual}" for name, actual in actual_regions.items())


def allowed_regions(context: InClusterContext) -> str:
    """The buckets are in the regions of `--allowed-regions`."""
    allowed = context.allowed_regions
    if not allowed:
        return "any region is allowed"
    paths = [f"s3a://{bucket}" for bucket in context.buckets]
    regions.require_buckets_allowed(paths, context.all_settings, allowed)
    return f"everything is in {', '.join(allowed)}"


def input_image(context: InClusterContext) -> str:
    """An image of the input can be listed, read and decoded."""
    store, images = _reader(context), context.images
    objects = list(islice(first_objects(context.spark, images, store), _MAX_OBJECTS))
    for stored in objects:
        with suppress(BadImageError):
            height, width = backbone(context.network.backbone).input_size
            decode(_read_bytes(context, store, stored), DecodeRules(height, width))
            return f"{stored.path}, {stored.length:,} bytes"
    what = f"none of the first {len(objects)} objects under" if objects else "nothing is under"
    raise InputNotFoundError(
        f"{what} {images.input_path}{' is an image' if objects else ''}",
        expected="images, with or without a file extension",
        fix="check --input: names are case-sensitive",
    )


def _reader(context: InClusterContext) -> StoreSettings | None:
    """The settings of the concurrent reader; None if the run reads with s3a."""
    if context.images.reader == "s3a":
        return None
    try:
        return context.store
    except UnmappableSettingError:
        if context.images.reader == "concurrent":
            raise
        return None


def _read_bytes(
    context: InClusterContext, store: StoreSettings | None, stored: StoredObject
) -> bytes:
    largest = context.images.max_image_bytes
    _, bucket, key = split_path(stored.path)
    if store is None:
        read = S3AClient(context.spark).get(bucket, key, largest)
    else:
        read = object_reader(store)(stored.path, largest)
    return read.data or b""


def output(context: InClusterContext) -> str:
    """A small object can be written and deleted under the output."""
    path = context.path("output_path")
    check_output(context.spark, path, f"{Layout(path).all_staging}/{_RUN_ID}")
    return f"written and deleted under {path}"


def magic_commit(context: InClusterContext) -> str:
    """The configured committer commits a Parquet file under the output."""
    folder = f"{Layout(context.path('output_path')).all_staging}/{_RUN_ID}"
    target = f"{folder}/commit"
    with translate_spark_errors(
        target, "check the permissions for multipart uploads, and the committer's settings"
    ):
        try:
            context.spark.range(1).write.mode("overwrite").parquet(target)
            committer = committer_of(context.spark, target)
        finally:
            filesystem.delete(context.spark, folder)
    expected = context.spark.conf.get(_COMMITTER, "")
    if split_path(target)[0] != "s3a":
        return "a local output is committed by renaming"
    if committer != expected:
        raise InvalidValueError(
            f"{target} was committed by {committer or 'renaming'}",
            expected=f"{expected or 'magic'}, which does not rename",
            fix="leave the committer's settings as files/spark-base.yaml has them",
        )
    return f"committed by {committer}"


def event_log(context: InClusterContext) -> str:
    """The folder of Spark's event log is writable: otherwise a run does not start."""
    folder = context.settings.get(_EVENT_LOG)
    if not folder or context.settings.get("spark.eventLog.enabled", "false").lower() != "true":
        raise CannotCheckError("no event log is configured (eventLog.dir)")
    probe(context.spark, folder, f"{folder.rstrip('/')}/{_RUN_ID}")
    return f"written and deleted under {folder}"
