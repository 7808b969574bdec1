"""Estimates from the example log, computed by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from job.analysis.cost.estimate import estimate_usage
from job.analysis.cost.event_log import usage_from_log
from job.cli.cost import cost
from job.errors import InvalidValueError
from tests.unit.analysis.cost.example_log import IMAGES, TASK_SECONDS, events, lines

# Two executors with two slots each ran for 300 and 500 of 600 s.
SLOTS = 2 * (300 + 500) / 600
# From the third task of an executor, the only task that does not include start-up.
SECONDS_PER_IMAGE = TASK_SECONDS / 50
SERIAL_SECONDS = 600 - IMAGES * SECONDS_PER_IMAGE / SLOTS


def test_the_serial_time_stays_as_measured() -> None:
    measured = usage_from_log(lines(events()))
    (driver, *workers) = estimate_usage(measured, IMAGES).pods
    assert len(workers) == 2
    assert driver.seconds == pytest.approx(SERIAL_SECONDS + IMAGES * SECONDS_PER_IMAGE / 4)


def test_time_is_proportional_to_images_and_divided_among_executors() -> None:
    measured = usage_from_log(lines(events()))
    ten, twenty = (estimate_usage(measured, 1_000_000, executors=count) for count in (10, 20))
    assert ten.pods[0].seconds == pytest.approx(SERIAL_SECONDS + 1_000_000 * SECONDS_PER_IMAGE / 20)
    assert ten.pods[0].seconds - SERIAL_SECONDS == pytest.approx(
        2 * (twenty.pods[0].seconds - SERIAL_SECONDS)
    )
    assert (len(ten.pods), len(twenty.pods)) == (11, 21)
    assert ten.pods[1].request == measured.pods[1].request
    assert ten.images == 1_000_000


def test_without_warm_tasks_all_tasks_count() -> None:
    cold = [
        event for event in events() if event.get("Task Info", {}).get("Finish Time") != 1260_000
    ]
    assert usage_from_log(lines(cold)).seconds_per_image == pytest.approx(3 * TASK_SECONDS / 110)


def test_a_log_without_executors_is_rejected() -> None:
    measured = usage_from_log(lines(events()))
    driver_only = replace(measured, pods=measured.pods[:1], slot_seconds=0.0)
    with pytest.raises(InvalidValueError, match="no executor in it featurized an image"):
        estimate_usage(driver_only, 1000)
    for unknown in (replace(measured, images=None), replace(measured, slot_seconds=0.0)):
        with pytest.raises(InvalidValueError, match="no executor in it featurized an image"):
            estimate_usage(unknown, 1000)


def test_executors_without_an_estimate_are_rejected(tmp_path: Path) -> None:
    result = CliRunner().invoke(cost, [str(tmp_path), "--executors", "3"])
    assert isinstance(result.exception, InvalidValueError)
    assert "--executors needs an estimate" in str(result.exception)


def test_the_command_prints_time_and_cost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\n".join(lines(events())))
    arguments = [str(log), "--for-images", "1000000", "--executors", "10"]
    result = CliRunner().invoke(cost, arguments)
    assert "estimate: 1,000,000 images on 10 executors" in result.output
    assert "22 h" in result.output
    values = json.loads(CliRunner().invoke(cost, [*arguments, "--json"]).stdout)
    assert values["estimate"]["seconds"] == pytest.approx(SERIAL_SECONDS + 80_000)
    assert values["estimate"]["images"] == 1_000_000
    assert values["estimate"]["ways"][0]["cost"] > values["ways"][0]["cost"]
