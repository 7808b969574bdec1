"""A run to EMR: its pod templates to S3, then the request."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from job.deploy.render.region_guard import require_allowed
from job.deploy.render.targets.emr import JobRunToStart
from job.deploy.submit.apply import Submitted
from job.deploy.submit.emr.virtual_cluster import VirtualCluster

# s3a's words for what S3's own requests name otherwise.
S3A_NAMES = {"SSE-S3": "AES256", "SSE-KMS": "aws:kms"}


def submit(cluster: VirtualCluster, run: JobRunToStart) -> Submitted:
    """Start a run; one of this name that is there, ended or not, is left as it is.

    What is returned is named by the id that EMR gave it. Raises what VirtualCluster raises, and
    InvalidValueError for a region that the values do not allow.
    """
    require_allowed(run.spec, lambda: {"EMR": cluster.aws.region}, _folders(run))
    known = cluster.find(run.request["name"])
    if known is not None:
        return Submitted(str(known["id"]), is_new=False)
    encrypted = encryption(run.spec["sparkConf"])
    for name, text in run.templates.items():
        _upload(cluster, f"{run.folder}/{name}", text, encrypted)
    return Submitted(cluster.start(run.request), is_new=True)


def _folders(run: JobRunToStart) -> list[str]:
    """Where a run reads and writes beside what its application says."""
    monitoring = run.request["configurationOverrides"]["monitoringConfiguration"]
    logs = monitoring.get("s3MonitoringConfiguration", {}).get("logUri", "")
    return [run.folder, *([logs] if logs else [])]


def encryption(conf: Mapping[str, str]) -> dict[str, str]:
    """What put_object is told of encryption at rest, so that all of a run is encrypted alike.

    Empty where the values leave it to the bucket.
    """
    told = {
        "ServerSideEncryption": "fs.s3a.encryption.algorithm",
        "SSEKMSKeyId": "fs.s3a.encryption.key",
    }
    found = {name: conf.get(f"spark.hadoop.{key}", "") for name, key in told.items()}
    algorithm = found["ServerSideEncryption"]
    found["ServerSideEncryption"] = S3A_NAMES.get(algorithm, algorithm)
    return {name: value for name, value in found.items() if value}


def _upload(cluster: VirtualCluster, address: str, text: str, encrypted: Mapping[str, str]) -> None:
    at = urlsplit(address)
    where = {"Bucket": at.netloc, "Key": at.path.lstrip("/")}
    cluster.aws.ask("s3", "put_object", **where, Body=text.encode(), **encrypted)
