"""The pods of a run, what each asked for and for how long: what a cloud counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from job.analysis.cost.pod_resources import Request, driver_request, executor_request, local_request

# How Spark names what runs in the driver's own process.
DRIVER = "driver"


@dataclass(frozen=True)
class Executor:
    """An executor as Spark tells of it: times in seconds since 1970, `removed` None while it is."""

    identity: str
    cores: int
    added: float
    removed: float | None = None


@dataclass(frozen=True)
class Pod:
    """A pod's request, and how long it was there, in seconds."""

    name: str
    request: Request
    seconds: float


@dataclass(frozen=True)
class Usage:
    """What the pods of one run asked for; `images` went through the network, None if unknown.

    `seconds_an_image` is what an image takes of a task once all is started, None if unknown.
    `slot_seconds` is the time that executors had for tasks: as many as they run at once, times the
    seconds that they were there.
    """

    pods: tuple[Pod, ...]
    images: int | None = None
    seconds_an_image: float | None = None
    slot_seconds: float = 0.0

    @property
    def vcpu_seconds(self) -> float:
        """Sum over the pods of vCPUs asked for times seconds."""
        return sum(pod.request.vcpus * pod.seconds for pod in self.pods)

    @property
    def gb_seconds(self) -> float:
        """Sum over the pods of GB (2^30 bytes) asked for times seconds."""
        return sum(pod.request.gigabytes * pod.seconds for pod in self.pods)


def usage(
    settings: Mapping[str, str],
    executors: Iterable[Executor],
    started: float,
    ended: float,
    images: int | None = None,
    seconds_an_image: float | None = None,
) -> Usage:
    """The usage of an application from its Spark settings and its executors.

    `started` and `ended` are of the driver; an executor that was not removed ends with it. In
    local mode there is one process, with the cores of its tasks.
    """
    known = list(executors)
    local = [each for each in known if each.identity == DRIVER and each.cores]
    asked = local_request(settings, local[0].cores) if local else driver_request(settings)
    pods = [Pod(DRIVER, asked, ended - started)]
    slot_seconds = 0.0
    for each in known:
        if each.identity != DRIVER:
            gone = ended if each.removed is None else min(each.removed, ended)
            seconds = max(gone - each.added, 0.0)
            pods.append(Pod(each.identity, executor_request(settings), seconds))
            slot_seconds += slots(settings, each) * seconds
    return Usage(tuple(pods), images, seconds_an_image, slot_seconds)


def slots(settings: Mapping[str, str], executor: Executor) -> int:
    """Tasks that it runs at once."""
    return executor.cores // int(settings.get("spark.task.cpus", 1))
