"""Reads or follows logs of the pods of a job run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence

from job.deploy.submit.emr.job_run import JobRun, monitoring_configuration
from job.deploy.submit.emr.log_stores import CloudWatchLogStore, LogStore, S3LogStore, Stream
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.deploy.submit.run_store import Notify
from job.deploy.submit.spark_application import ENDED
from job.errors import InvalidValueError

POLL_SECONDS = 4.0
# Lines reach CloudWatch late and out of order.
_LATEST_MILLISECONDS = 60_000


def open_store(cluster: VirtualCluster, run: JobRun) -> LogStore:
    """The log store of a run. Raises InvalidValueError if the run keeps no logs."""
    destinations, run_prefix = (
        monitoring_configuration(run),
        f"{cluster.identifier}/jobs/{run['id']}/containers/",
    )
    if "cloudWatchMonitoringConfiguration" in destinations:
        group = destinations["cloudWatchMonitoringConfiguration"]
        prefix = group.get("logStreamNamePrefix")
        folder = f"{prefix}/{run_prefix}" if prefix else run_prefix
        return CloudWatchLogStore(cluster.aws, group["logGroupName"], folder)
    if "s3MonitoringConfiguration" in destinations:
        folder = destinations["s3MonitoringConfiguration"]["logUri"].rstrip("/")
        return S3LogStore(cluster.aws, f"{folder}/{run_prefix}")
    raise InvalidValueError(
        f"the logs of {run['id']} are not kept",
        fix="set emr.logs.cloudWatch or emr.logs.s3 for the next run",
    )


def read_lines(
    store: LogStore, run: JobRun, executor: int | None, tail: int | None
) -> Iterator[str]:
    """The lines of the driver's or an executor's log so far; with `tail` only the last ones.

    Raises InvalidValueError if there is no log yet.
    """
    lines = store.lines(pod_streams(store, run, executor))
    return lines if tail is None else iter(deque(lines, tail))


def follow_lines(
    cluster: VirtualCluster, run: JobRun, executor: int | None, tail: int | None, notify: Notify
) -> Iterator[str]:
    """The same lines, then new ones until the run ends. Waits for a pod that has not started.

    Raises InvalidValueError if the logs cannot be followed.
    """
    store = open_store(cluster, run)
    if not isinstance(store, CloudWatchLogStore):
        raise InvalidValueError(
            "the logs of this run go to S3, where they arrive late and in parts",
            fix="leave out --follow, or set emr.logs.cloudWatch for the next run",
        )
    seen: set[str] = set()
    since = 0
    while True:
        # Read the state before the log: lines written before the end are still shown.
        ended = cluster.read(run["id"])["state"] in ENDED
        streams = _streams_so_far(store, run, executor, notify, ended=ended)
        events = store.events(streams, since) if streams else iter(())
        fresh = [event for event in events if event["eventId"] not in seen]
        yield from (event["message"] for event in deque(fresh, tail if not seen else None))
        seen.update(event["eventId"] for event in fresh)
        latest = max((event["timestamp"] for event in fresh), default=0)
        since = max(since, latest - _LATEST_MILLISECONDS)
        if ended:
            return
        time.sleep(POLL_SECONDS)


def pod_streams(store: LogStore, run: JobRun, executor: int | None) -> Sequence[Stream]:
    """The streams of one pod. Raises InvalidValueError if there are none."""
    streams = store.streams()
    if executor is None:
        selected = [stream for stream in streams if stream.pod.endswith("-driver")]
        missing = InvalidValueError(f"the driver of {run['id']} has no log yet", fix="use --follow")
    else:
        selected = [stream for stream in streams if stream.executor == executor]
        numbers = sorted({stream.executor for stream in streams if stream.executor is not None})
        missing = InvalidValueError(
            f"--executor is {executor}, which has no log",
            expected=f"one of {', '.join(map(str, numbers))}"
            if numbers
            else "a run with executors",
        )
    if not selected:
        raise missing
    return selected


def _streams_so_far(
    store: LogStore, run: JobRun, executor: int | None, notify: Notify, *, ended: bool
) -> Sequence[Stream]:
    try:
        return pod_streams(store, run, executor)
    except InvalidValueError as missing:
        if ended:
            raise
        notify(missing.what)
        return []
