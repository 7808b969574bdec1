"""Logs of the pods of a job run, now or as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence

from job.deploy.submit.emr.job_run import JobRun, monitoring_of
from job.deploy.submit.emr.log_stores import Bucket, CloudWatch, LogStore, Stream
from job.deploy.submit.emr.virtual_cluster import VirtualCluster
from job.deploy.submit.run_store import Say
from job.deploy.submit.spark_application import ENDED
from job.errors import InvalidValueError

SECONDS_BETWEEN_LOOKS = 4.0
# Lines reach CloudWatch late, and not in the order of their times.
_LATEST_MILLISECONDS = 60_000


def store_of(cluster: VirtualCluster, run: JobRun) -> LogStore:
    """Where the logs of a run are. Raises InvalidValueError for a run without any."""
    to, below = monitoring_of(run), f"{cluster.identifier}/jobs/{run['id']}/containers/"
    if "cloudWatchMonitoringConfiguration" in to:
        group = to["cloudWatchMonitoringConfiguration"]
        prefix = group.get("logStreamNamePrefix")
        folder = f"{prefix}/{below}" if prefix else below
        return CloudWatch(cluster.aws, group["logGroupName"], folder)
    if "s3MonitoringConfiguration" in to:
        folder = to["s3MonitoringConfiguration"]["logUri"].rstrip("/")
        return Bucket(cluster.aws, f"{folder}/{below}")
    raise InvalidValueError(
        f"logs of {run['id']} are kept nowhere",
        fix="set emr.logs.cloudWatch or emr.logs.s3 for the next run",
    )


def lines(store: LogStore, run: JobRun, executor: int | None, tail: int | None) -> Iterator[str]:
    """What the driver has written so far, or an executor; with `tail` the last lines of it.

    Raises InvalidValueError where it has written nothing.
    """
    found = store.lines(streams_of(store, run, executor))
    return found if tail is None else iter(deque(found, tail))


def followed(
    cluster: VirtualCluster, run: JobRun, executor: int | None, tail: int | None, say: Say
) -> Iterator[str]:
    """The same, and what is written until the run ends; a pod that has not started is waited for.

    Raises InvalidValueError for logs that do not come as they are written.
    """
    store = store_of(cluster, run)
    if not isinstance(store, CloudWatch):
        raise InvalidValueError(
            "logs of this run go to S3, where they come late and in pieces",
            fix="leave out --follow, or set emr.logs.cloudWatch for the next run",
        )
    seen: set[str] = set()
    since = 0
    while True:
        # Asked before the log is: what is written before the end is shown.
        ended = cluster.read(run["id"])["state"] in ENDED
        streams = _streams_so_far(store, run, executor, say, ended=ended)
        events = store.events(streams, since) if streams else iter(())
        fresh = [event for event in events if event["eventId"] not in seen]
        yield from (event["message"] for event in deque(fresh, tail if not seen else None))
        seen.update(event["eventId"] for event in fresh)
        latest = max((event["timestamp"] for event in fresh), default=0)
        since = max(since, latest - _LATEST_MILLISECONDS)
        if ended:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def streams_of(store: LogStore, run: JobRun, executor: int | None) -> Sequence[Stream]:
    """The streams of one pod. Raises InvalidValueError where there are none."""
    found = store.streams()
    if executor is None:
        mine = [each for each in found if each.pod.endswith("-driver")]
        missing = InvalidValueError(f"the driver of {run['id']} has no log yet", fix="use --follow")
    else:
        mine = [each for each in found if each.executor == executor]
        known = sorted({each.executor for each in found if each.executor is not None})
        missing = InvalidValueError(
            f"--executor is {executor}, which has no log",
            expected=f"one of {', '.join(map(str, known))}" if known else "a run with executors",
        )
    if not mine:
        raise missing
    return mine


def _streams_so_far(
    store: LogStore, run: JobRun, executor: int | None, say: Say, *, ended: bool
) -> Sequence[Stream]:
    try:
        return streams_of(store, run, executor)
    except InvalidValueError as missing:
        if ended:
            raise
        say(missing.what)
        return []
