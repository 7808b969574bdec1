"""Where EMR puts logs: a log group of CloudWatch, or a folder on S3; one layout in both."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from job.deploy.submit.emr.aws import Aws

_EXECUTOR = re.compile(r"-exec-(\d+)$")


@dataclass(frozen=True)
class Stream:
    """One output of one pod: `<...>/containers/<Spark's id of the run>/<pod>/stdout`."""

    name: str

    @property
    def pod(self) -> str:
        return self.name.split("/")[-2]

    @property
    def executor(self) -> int | None:
        """The number of the executor; None for other pods."""
        found = _EXECUTOR.search(self.pod)
        return int(found[1]) if found else None


class LogStore(Protocol):
    """Logs of one job run."""

    def streams(self) -> list[Stream]: ...
    def lines(self, streams: Sequence[Stream]) -> Iterator[str]: ...


@dataclass(frozen=True)
class CloudWatch:
    """A log group, and the beginning of the names of the run's streams."""

    aws: Aws
    group: str
    folder: str

    def streams(self) -> list[Stream]:
        """The streams there are."""
        where = {"logGroupName": self.group, "logStreamNamePrefix": self.folder}
        found = self.aws.pages("logs", "describe_log_streams", "logStreams", **where)
        return [Stream(each["logStreamName"]) for each in found]

    def lines(self, streams: Sequence[Stream]) -> Iterator[str]:
        """What was written to streams of one pod, by time."""
        return (event["message"] for event in self.events(streams))

    def events(self, streams: Sequence[Stream], since: int = 0) -> Iterator[dict[str, Any]]:
        """The same with times, in milliseconds, and ids."""
        where = {"logGroupName": self.group, "logStreamNames": [each.name for each in streams]}
        return self.aws.pages("logs", "filter_log_events", "events", startTime=since, **where)


@dataclass(frozen=True)
class Bucket:
    """A folder of compressed files; those of a pod at work come in pieces."""

    aws: Aws
    address: str

    def streams(self) -> list[Stream]:
        """The files there are: standard output first, so that a failure is what comes last."""
        at = urlsplit(self.address)
        where = {"Bucket": at.netloc, "Prefix": at.path.lstrip("/")}
        found = self.aws.pages("s3", "list_objects_v2", "Contents", **where)
        keys = (each["Key"] for each in found)
        return [Stream(key) for key in sorted(keys, key=lambda key: ("stderr" in key, key))]

    def lines(self, streams: Sequence[Stream]) -> Iterator[str]:
        """What is in files, one after the other."""
        bucket = urlsplit(self.address).netloc
        for each in streams:
            answer = self.aws.ask("s3", "get_object", Bucket=bucket, Key=each.name)
            text = gzip.decompress(answer["Body"].read()).decode("utf-8", errors="replace")
            yield from text.splitlines()
