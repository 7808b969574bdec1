"""Submits a run to EMR: uploads its pod templates to S3, then starts the job run."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from job.deploy.render.region_guard import require_allowed
from job.deploy.render.targets.emr import JobRunRequest
from job.deploy.submit.apply import Submission
from job.deploy.submit.emr.virtual_cluster import VirtualCluster

# s3a's names of encryption algorithms, and those of the S3 API.
S3A_NAMES = {"SSE-S3": "AES256", "SSE-KMS": "aws:kms"}


def submit(cluster: VirtualCluster, run: JobRunRequest) -> Submission:
    """Start a run; an existing run of this name is left unchanged, also if it has ended.

    The returned name is EMR's id. Raises what VirtualCluster raises, and InvalidValueError for a
    region that the values do not allow.
    """
    require_allowed(run.spec, lambda: {"EMR": cluster.aws.region}, _extra_folders(run))
    existing = cluster.find(run.request["name"])
    if existing is not None:
        return Submission(str(existing["id"]), is_new=False)
    encrypted = encryption(run.spec["sparkConf"])
    for name, text in run.templates.items():
        _upload(cluster, f"{run.folder}/{name}", text, encrypted)
    return Submission(cluster.start(run.request), is_new=True)


def _extra_folders(run: JobRunRequest) -> list[str]:
    """Folders that a run uses in addition to those of its application."""
    monitoring = run.request["configurationOverrides"]["monitoringConfiguration"]
    logs = monitoring.get("s3MonitoringConfiguration", {}).get("logUri", "")
    return [run.folder, *([logs] if logs else [])]


def encryption(conf: Mapping[str, str]) -> dict[str, str]:
    """The encryption parameters of put_object, so that templates are encrypted like other files.

    Empty if the bucket decides.
    """
    settings = {
        "ServerSideEncryption": "fs.s3a.encryption.algorithm",
        "SSEKMSKeyId": "fs.s3a.encryption.key",
    }
    parameters = {name: conf.get(f"spark.hadoop.{key}", "") for name, key in settings.items()}
    algorithm = parameters["ServerSideEncryption"]
    parameters["ServerSideEncryption"] = S3A_NAMES.get(algorithm, algorithm)
    return {name: value for name, value in parameters.items() if value}


def _upload(cluster: VirtualCluster, address: str, text: str, encrypted: Mapping[str, str]) -> None:
    url = urlsplit(address)
    location = {"Bucket": url.netloc, "Key": url.path.lstrip("/")}
    cluster.aws.call("s3", "put_object", **location, Body=text.encode(), **encrypted)
