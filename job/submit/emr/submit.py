"""A run to EMR: its pod templates to S3, then the request."""

from __future__ import annotations

from urllib.parse import urlsplit

from job.submit.apply import Submitted
from job.submit.emr.virtual_cluster import VirtualCluster
from job.submit.region_guard import require_allowed
from job.submit.targets.emr import JobRunToStart


def submit(cluster: VirtualCluster, run: JobRunToStart) -> Submitted:
    """Start a run; one of this name that is there, ended or not, is left as it is.

    What is returned is named by the id that EMR gave it. Raises what VirtualCluster raises, and
    InvalidValueError for a region that the values do not allow.
    """
    require_allowed(run.spec, lambda: {"EMR": cluster.aws.region}, _folders(run))
    known = cluster.find(run.request["name"])
    if known is not None:
        return Submitted(str(known["id"]), is_new=False)
    for name, text in run.templates.items():
        _upload(cluster, f"{run.folder}/{name}", text)
    return Submitted(cluster.start(run.request), is_new=True)


def _folders(run: JobRunToStart) -> list[str]:
    """Where a run reads and writes beside what its application says."""
    monitoring = run.request["configurationOverrides"]["monitoringConfiguration"]
    logs = monitoring.get("s3MonitoringConfiguration", {}).get("logUri", "")
    return [run.folder, *([logs] if logs else [])]


def _upload(cluster: VirtualCluster, address: str, text: str) -> None:
    at = urlsplit(address)
    cluster.aws.ask(
        "s3", "put_object", Bucket=at.netloc, Key=at.path.lstrip("/"), Body=text.encode()
    )
