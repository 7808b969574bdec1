"""The store: its address, who we are to it, and whether what a run does there is allowed."""

from __future__ import annotations

import socket
from contextlib import suppress
from itertools import islice
from urllib.parse import urlsplit

from job import regions
from job.aws_errors import aws_errors
from job.checks import CannotLookError
from job.errors import (
    InputNotFoundError,
    InvalidValueError,
    TransportError,
    UnmappableSettingError,
)
from job.features.backbones import backbone
from job.images.decode import BadImageError, DecodeRules, decode
from job.images.fetch import reading, s3_objects
from job.images.listing import first_objects
from job.images.s3_client import session_of
from job.images.s3a_client import HadoopObjects
from job.images.s3a_config import StoreSettings, endpoint_of
from job.images.storage import StoredObject
from job.output.access import check_output, probe
from job.output.layout import Layout
from job.output.summary import committer_of
from job.paths import split_path
from job.pipeline.in_cluster.context import Inside, told
from job.runtime import filesystem

_SECONDS = 5.0
# Of the first objects one is an image, or the folder is a strange one.
_LOOKED_AT = 100
_RUN_ID = "doctor"
_COMMITTER = "spark.hadoop.fs.s3a.committer.name"
_EVENT_LOG = "spark.eventLog.dir"


def endpoint(subject: Inside) -> str:
    """The store's name resolves (DNS), and its port answers (network policies)."""
    if subject.hadoop.get("fs.s3a.proxy.host"):
        raise CannotLookError("requests go through fs.s3a.proxy.host")
    buckets = subject.buckets
    address = urlsplit(endpoint_of(subject.hadoop) or _of_aws(subject))
    by_path = subject.hadoop.get("fs.s3a.path.style.access", "false").lower() == "true"
    hosts = [address.hostname or "", *(f"{each}.{address.hostname}" for each in buckets)]
    port = address.port or (80 if address.scheme == "http" else 443)
    for host in hosts[:1] if by_path else hosts[1:]:
        _require_answer(host, port)
    return f"{address.hostname}:{port} answers"


def _of_aws(subject: Inside) -> str:
    region = subject.hadoop.get("fs.s3a.endpoint.region")
    suffix = ".cn" if (region or "").startswith("cn-") else ""
    return f"https://s3.{region}.amazonaws.com{suffix}" if region else "https://s3.amazonaws.com"


def _require_answer(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as problem:
        raise TransportError(
            f"the name {host} does not resolve: {problem.strerror}",
            expected="an address from DNS",
            fix="check s3.endpoint and s3.pathStyle, and that pods may ask DNS on port 53",
        ) from problem
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as problem:
        raise TransportError(
            f"{host} ({found[0][4][0]}) does not answer on port {port}: {problem}",
            expected="an open port",
            fix="check s3.endpoint, and networkPolicy.s3.cidrs and ports of the values",
        ) from problem


def identity(subject: Inside) -> str:
    """Credentials are found; which provider has them, and who they are of."""
    subject.require_s3()
    try:
        session = session_of(subject.store)
    except UnmappableSettingError as setting:
        raise CannotLookError(f"s3a alone knows the credentials: {setting.what}") from setting
    credentials = session.get_credentials()
    if credentials is None:
        return "no credentials, as fs.s3a.aws.credentials.provider says"
    key = credentials.get_frozen_credentials().access_key
    found = f"key {key[:4]}...{key[-2:]} from {credentials.method}"
    if subject.store.endpoint is not None:
        return found
    with aws_errors():
        sts = session.create_client("sts", region_name=subject.store.region or "us-east-1")
        return f"{sts.get_caller_identity()['Arn']}, {found}"


def region(subject: Inside) -> str:
    """Each bucket is in the region that requests are signed for."""
    buckets = subject.buckets
    if subject.store.endpoint is not None:
        raise CannotLookError(f"{subject.store.endpoint} is not AWS: regions mean nothing there")
    with aws_errors():
        found = {name: s3_objects(subject.store).region_of(name) for name in buckets}
    for name, actual in found.items():
        if subject.store.region not in (None, actual):
            raise InvalidValueError(
                f"the bucket {name} is in {actual}, and the region set is {subject.store.region}",
                expected="one region for the buckets and the cluster",
                fix=f"set s3.region: {actual}",
            )
    return ", ".join(f"{name} in {actual}" for name, actual in found.items())


def allowed_regions(subject: Inside) -> str:
    """The buckets are in regions that `--allowed-regions` names."""
    allowed = subject.allowed_regions
    if not allowed:
        return "any region is allowed"
    paths = [f"s3a://{bucket}" for bucket in subject.buckets]
    regions.require_buckets(paths, subject.all_settings, allowed)
    return f"all is in {', '.join(allowed)}"


def input_image(subject: Inside) -> str:
    """One image of the input can be listed, read and decoded."""
    store, images = _reader(subject), subject.images
    looked_at = list(islice(first_objects(subject.spark, images, store), _LOOKED_AT))
    for found in looked_at:
        with suppress(BadImageError):
            height, width = backbone(subject.network.backbone).input_size
            decode(_bytes_of(subject, store, found), DecodeRules(height, width))
            return f"{found.path}, {found.length:,} bytes"
    what = f"none of the first {len(looked_at)} objects under" if looked_at else "nothing is under"
    raise InputNotFoundError(
        f"{what} {images.input_path}{' is an image' if looked_at else ''}",
        expected="images, with extension or without",
        fix="check --input: names are case-sensitive",
    )


def _reader(subject: Inside) -> StoreSettings | None:
    """The settings of the concurrent reader; None where the run reads by s3a."""
    if subject.images.reader == "s3a":
        return None
    try:
        return subject.store
    except UnmappableSettingError:
        if subject.images.reader == "concurrent":
            raise
        return None


def _bytes_of(subject: Inside, store: StoreSettings | None, found: StoredObject) -> bytes:
    largest = subject.images.max_image_bytes
    _, bucket, key = split_path(found.path)
    if store is None:
        read = HadoopObjects(subject.spark).get(bucket, key, largest)
    else:
        read = reading(store)(found.path, largest)
    return read.data or b""


def output(subject: Inside) -> str:
    """A small object can be written under the output, and deleted."""
    path = subject.path("output_path")
    check_output(subject.spark, path, _RUN_ID)
    return f"written and deleted under {path}"


def magic_commit(subject: Inside) -> str:
    """A Parquet file is committed under the output by the committer that is set."""
    layout = Layout(subject.path("output_path"))
    target = f"{layout.staging(_RUN_ID)}/commit"
    with told(target, "check the rights on multipart uploads, and the committer's settings"):
        try:
            subject.spark.range(1).write.mode("overwrite").parquet(target)
            committer = committer_of(subject.spark, target)
        finally:
            filesystem.delete(subject.spark, layout.staging(_RUN_ID))
    wanted = subject.spark.conf.get(_COMMITTER, "")
    if split_path(target)[0] != "s3a":
        return "a file on a disk is committed by its name"
    if committer != wanted:
        raise InvalidValueError(
            f"{target} was committed by {committer or 'renaming'}",
            expected=f"{wanted or 'magic'}, which renames nothing",
            fix="leave the committer's settings as files/spark-base.yaml has them",
        )
    return f"committed by {committer}"


def event_log(subject: Inside) -> str:
    """The folder of Spark's event log can be written: without it a run does not start."""
    folder = subject.settings.get(_EVENT_LOG)
    if not folder or subject.settings.get("spark.eventLog.enabled", "false").lower() != "true":
        raise CannotLookError("no event log is written (eventLog.dir)")
    probe(subject.spark, folder, f"{folder.rstrip('/')}/{_RUN_ID}")
    return f"written and deleted under {folder}"
