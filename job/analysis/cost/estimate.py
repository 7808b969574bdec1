"""From one run to another: how long so many images take on so many executors, and what they use."""

from __future__ import annotations

from job.analysis.cost.usage import DRIVER, Pod, Usage
from job.errors import InvalidValueError


def estimate(measured: Usage, images: int, executors: int | None = None) -> Usage:
    """The usage of a run like `measured` with `images` on `executors`, by default as many.

    Amdahl's law (1967): the work for images, once all is started, grows with them and is divided
    among the slots; all else stays as it was measured:

        seconds = elapsed - images measured * seconds an image / slots
                + images * seconds an image / (slots an executor * executors)

    Slots are the mean over the run. Raises InvalidValueError for a log without executors or images.
    """
    driver = next(pod for pod in measured.pods if pod.name == DRIVER)
    workers = [pod for pod in measured.pods if pod.name != DRIVER]
    an_image = measured.seconds_an_image
    if not measured.slot_seconds or not measured.images or an_image is None:
        raise InvalidValueError(
            "nothing can be estimated from this log: no executor in it featurized an image",
            expected="the event log of a run on a cluster",
            fix="leave --for-images out, or name the log of such a run",
        )
    slots = measured.slot_seconds / driver.seconds
    alone = max(driver.seconds - measured.images * an_image / slots, 0.0)
    slots_an_executor = measured.slot_seconds / sum(pod.seconds for pod in workers)
    count = executors or len(workers)
    seconds = alone + images * an_image / (slots_an_executor * count)
    request = workers[0].request
    made = [Pod(str(number), request, seconds) for number in range(1, count + 1)]
    return Usage((Pod(DRIVER, driver.request, seconds), *made), images)
