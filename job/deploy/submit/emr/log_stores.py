"""Reads EMR's logs from CloudWatch or S3; both have the same layout."""

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
        """The executor number; None for other pods."""
        match = _EXECUTOR.search(self.pod)
        return int(match[1]) if match else None


class LogStore(Protocol):
    """Logs of one job run."""

    def streams(self) -> list[Stream]: ...
    def lines(self, streams: Sequence[Stream]) -> Iterator[str]: ...


@dataclass(frozen=True)
class CloudWatchLogStore:
    """A log group, and the name prefix of the run's streams."""

    aws: Aws
    group: str
    folder: str

    def streams(self) -> list[Stream]:
        """All streams of the run."""
        request = {"logGroupName": self.group, "logStreamNamePrefix": self.folder}
        streams = self.aws.paginate("logs", "describe_log_streams", "logStreams", **request)
        return [Stream(stream["logStreamName"]) for stream in streams]

    def lines(self, streams: Sequence[Stream]) -> Iterator[str]:
        """The lines in streams of one pod, by time."""
        return (event["message"] for event in self.events(streams))

    def events(self, streams: Sequence[Stream], since: int = 0) -> Iterator[dict[str, Any]]:
        """The events in streams of one pod since a time in milliseconds, with times and ids."""
        request = {
            "logGroupName": self.group,
            "logStreamNames": [stream.name for stream in streams],
        }
        return self.aws.paginate("logs", "filter_log_events", "events", startTime=since, **request)


@dataclass(frozen=True)
class S3LogStore:
    """A folder of compressed files; a running pod writes its log in parts."""

    aws: Aws
    address: str

    def streams(self) -> list[Stream]:
        """All files: standard output first, so that an error message comes last."""
        url = urlsplit(self.address)
        request = {"Bucket": url.netloc, "Prefix": url.path.lstrip("/")}
        objects = self.aws.paginate("s3", "list_objects_v2", "Contents", **request)
        keys = (stored["Key"] for stored in objects)
        return [Stream(key) for key in sorted(keys, key=lambda key: ("stderr" in key, key))]

    def lines(self, streams: Sequence[Stream]) -> Iterator[str]:
        """The lines of the files, one file after the other."""
        bucket = urlsplit(self.address).netloc
        for stream in streams:
            answer = self.aws.call("s3", "get_object", Bucket=bucket, Key=stream.name)
            text = gzip.decompress(answer["Body"].read()).decode("utf-8", errors="replace")
            yield from text.splitlines()
