"""The resource usage of a run: its pods, their requests and their lifetimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from job.analysis.cost.pod_resources import Request, driver_request, executor_request, local_request

# Spark's executor id for tasks in the driver process.
DRIVER = "driver"


@dataclass(frozen=True)
class Executor:
    """An executor: times in seconds since 1970; `removed` is None while it exists."""

    executor_id: str
    cores: int
    added: float
    removed: float | None = None


@dataclass(frozen=True)
class Pod:
    """A pod's resource request and its lifetime in seconds."""

    name: str
    request: Request
    seconds: float


@dataclass(frozen=True)
class Usage:
    """The resources that the pods of a run requested; unknown values are None.

    `images` is the number of featurized images, `seconds_per_image` the task time per image after
    start-up. `slot_seconds` is the sum over executors of task slots times lifetime.
    """

    pods: tuple[Pod, ...]
    images: int | None = None
    seconds_per_image: float | None = None
    slot_seconds: float = 0.0

    @property
    def vcpu_seconds(self) -> float:
        """The sum over pods of requested vCPUs times seconds."""
        return sum(pod.request.vcpus * pod.seconds for pod in self.pods)

    @property
    def gb_seconds(self) -> float:
        """The sum over pods of requested GB (2^30 bytes) times seconds."""
        return sum(pod.request.gigabytes * pod.seconds for pod in self.pods)


def compute_usage(
    settings: Mapping[str, str],
    executors: Iterable[Executor],
    started: float,
    ended: float,
    images: int | None = None,
    seconds_per_image: float | None = None,
) -> Usage:
    """The usage of an application, from its Spark settings and executors.

    `started` and `ended` are the times of the driver; executors that were not removed end with it.
    In local mode there is a single process with the cores of its tasks.
    """
    all_executors = list(executors)
    local = [entry for entry in all_executors if entry.executor_id == DRIVER and entry.cores]
    request = local_request(settings, local[0].cores) if local else driver_request(settings)
    pods = [Pod(DRIVER, request, ended - started)]
    slot_seconds = 0.0
    for executor in all_executors:
        if executor.executor_id != DRIVER:
            end = ended if executor.removed is None else min(executor.removed, ended)
            seconds = max(end - executor.added, 0.0)
            pods.append(Pod(executor.executor_id, executor_request(settings), seconds))
            slot_seconds += task_slots(settings, executor) * seconds
    return Usage(tuple(pods), images, seconds_per_image, slot_seconds)


def task_slots(settings: Mapping[str, str], executor: Executor) -> int:
    """The number of tasks that an executor runs at once."""
    return executor.cores // int(settings.get("spark.task.cpus", 1))
