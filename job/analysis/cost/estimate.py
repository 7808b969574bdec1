"""Estimates the time and usage of a larger run from the usage of a finished one."""

from __future__ import annotations

from job.analysis.cost.usage import DRIVER, Pod, Usage
from job.errors import InvalidValueError


def estimate_usage(measured: Usage, images: int, executors: int | None = None) -> Usage:
    """The usage of a run like `measured`, with `images` on `executors` (default: the same number).

    Amdahl's law (1967): the time for images is proportional to their number and divided among the
    task slots; the serial time stays as measured:

        seconds = elapsed - measured images * seconds per image / slots
                + images * seconds per image / (slots per executor * executors)

    `slots` is the mean over the run. Raises InvalidValueError without executors or images.
    """
    driver = next(pod for pod in measured.pods if pod.name == DRIVER)
    measured_executors = [pod for pod in measured.pods if pod.name != DRIVER]
    seconds_per_image = measured.seconds_per_image
    if not measured.slot_seconds or not measured.images or seconds_per_image is None:
        raise InvalidValueError(
            "this log does not allow an estimate: no executor in it featurized an image",
            expected="the event log of a run on a cluster",
            fix="omit --for-images, or pass the log of such a run",
        )
    slots = measured.slot_seconds / driver.seconds
    serial_seconds = max(driver.seconds - measured.images * seconds_per_image / slots, 0.0)
    executor_seconds = sum(pod.seconds for pod in measured_executors)
    slots_per_executor = measured.slot_seconds / executor_seconds
    count = executors or len(measured_executors)
    seconds = serial_seconds + images * seconds_per_image / (slots_per_executor * count)
    request = measured_executors[0].request
    executor_pods = [Pod(str(number), request, seconds) for number in range(1, count + 1)]
    return Usage((Pod(DRIVER, driver.request, seconds), *executor_pods), images)
