"""From one run to another: how long so many images take on so many executors, and what they use."""

from __future__ import annotations

from job.cost.usage import DRIVER, Pod, Usage
from job.errors import InvalidValueError


def estimate(measured: Usage, images: int, executors: int | None = None) -> Usage:
    """The usage of a run like `measured` with `images` on `executors`, by default as many.

    Amdahl's law (1967): what was measured is the time that no task shortens, and the time that
    tasks were at work, which grows with images and is divided among the slots:

        seconds = elapsed - task seconds / slots
                + images * (task seconds / images measured) / (slots an executor * executors)

    Slots are the mean over the run. Raises InvalidValueError for a log without executors or images.
    """
    driver = next(pod for pod in measured.pods if pod.name == DRIVER)
    workers = [pod for pod in measured.pods if pod.name != DRIVER]
    if not workers or not measured.images or not measured.task_seconds:
        raise InvalidValueError(
            "nothing can be estimated from this log: no executor in it featurized an image",
            expected="the event log of a run on a cluster",
            fix="leave --for-images out, or name the log of such a run",
        )
    slots = measured.slot_seconds / driver.seconds
    alone = max(driver.seconds - measured.task_seconds / slots, 0.0)
    slots_an_executor = measured.slot_seconds / sum(pod.seconds for pod in workers)
    count = executors or len(workers)
    an_image = measured.task_seconds / measured.images
    seconds = alone + images * an_image / (slots_an_executor * count)
    request = workers[0].request
    made = [Pod(str(number), request, seconds) for number in range(1, count + 1)]
    return Usage((Pod(DRIVER, driver.request, seconds), *made), images)
