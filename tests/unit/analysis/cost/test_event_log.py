"""The usage in an event log, computed by hand."""

from __future__ import annotations

import pytest

from job.analysis.cost.event_log import usage_from_log
from job.errors import InvalidValueError
from tests.unit.analysis.cost.example_log import (
    GB_SECONDS,
    IMAGES,
    VCPU_SECONDS,
    added,
    at,
    events,
    lines,
)


def test_a_log_of_a_driver_and_two_executors() -> None:
    usage = usage_from_log(lines(events()))
    assert [(pod.name, pod.seconds) for pod in usage.pods] == [
        ("driver", 600),
        ("1", 300),
        ("2", 500),
    ]
    assert usage.vcpu_seconds == VCPU_SECONDS == 1900
    assert usage.gb_seconds == GB_SECONDS == 4400
    assert usage.images == IMAGES


def test_an_unfinished_log_counts_to_its_last_event() -> None:
    *complete, last = lines(events()[:-1])
    usage = usage_from_log([*complete, last[:20]], in_progress=True)
    # The second removal, at 1390, is the last complete event.
    assert [pod.seconds for pod in usage.pods] == [390, 300, 290]
    assert usage.images == 100


def test_a_finished_log_with_a_broken_line_is_rejected() -> None:
    *complete, last = lines(events())
    with pytest.raises(InvalidValueError, match="not an event log"):
        usage_from_log([*complete, last[:20]])


def test_an_executor_counts_from_its_request() -> None:
    early = added("1", 1060)
    early["Executor Info"]["Request Time"] = 1040_000
    log = [at("ApplicationStart", 1000), early, at("ApplicationEnd", 1100)]
    assert usage_from_log(lines(log)).pods[1].seconds == 60


def test_local_mode_has_a_single_process() -> None:
    settings = {"spark.master": "local[2]", "spark.driver.memory": "2g"}
    log = [
        at("ApplicationStart", 1000),
        added("driver", 1001),
        {"Event": "SparkListenerEnvironmentUpdate", "Spark Properties": settings},
        at("ApplicationEnd", 1010),
    ]
    usage = usage_from_log(lines(log))
    assert (usage.vcpu_seconds, usage.gb_seconds, usage.images) == (20, 20, None)


def test_another_file_is_rejected() -> None:
    with pytest.raises(InvalidValueError, match="no start of an application"):
        usage_from_log(lines([{"Event": "SparkListenerLogStart"}]))
