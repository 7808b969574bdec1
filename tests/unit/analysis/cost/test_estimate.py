"""An estimate from a log that can be reckoned by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from job.analysis.cost.estimate import estimate
from job.analysis.cost.event_log import usage_of_log
from job.cli.cost import cost
from job.errors import InvalidValueError
from tests.unit.analysis.cost.example_log import IMAGES, TASK_SECONDS, events, lines

# Executors of two slots each were there for 300 and 500 of 600 s.
SLOTS = 2 * (300 + 500) / 600
# Of the third task of an executor, the only one that is not among the first of its slot.
AN_IMAGE = TASK_SECONDS / 50
ALONE = 600 - IMAGES * AN_IMAGE / SLOTS


def test_what_no_task_shortens_stays() -> None:
    measured = usage_of_log(lines(events()))
    (driver, *workers) = estimate(measured, IMAGES).pods
    assert len(workers) == 2
    assert driver.seconds == pytest.approx(ALONE + IMAGES * AN_IMAGE / 4)


def test_time_grows_with_images_and_is_divided_among_executors() -> None:
    measured = usage_of_log(lines(events()))
    ten, twenty = (estimate(measured, 1_000_000, executors=count) for count in (10, 20))
    assert ten.pods[0].seconds == pytest.approx(ALONE + 1_000_000 * AN_IMAGE / 20)
    assert ten.pods[0].seconds - ALONE == pytest.approx(2 * (twenty.pods[0].seconds - ALONE))
    assert (len(ten.pods), len(twenty.pods)) == (11, 21)
    assert ten.pods[1].request == measured.pods[1].request
    assert ten.images == 1_000_000


def test_where_all_tasks_are_the_first_of_their_slot_they_are_what_is_known() -> None:
    cold = [each for each in events() if each.get("Task Info", {}).get("Finish Time") != 1260_000]
    assert usage_of_log(lines(cold)).seconds_an_image == pytest.approx(3 * TASK_SECONDS / 110)


def test_a_log_without_executors_is_refused() -> None:
    measured = usage_of_log(lines(events()))
    alone = replace(measured, pods=measured.pods[:1], slot_seconds=0.0)
    with pytest.raises(InvalidValueError, match="no executor in it featurized an image"):
        estimate(alone, 1000)
    for unknown in (replace(measured, images=None), replace(measured, slot_seconds=0.0)):
        with pytest.raises(InvalidValueError, match="no executor in it featurized an image"):
            estimate(unknown, 1000)


def test_executors_without_an_estimate_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cost, [str(tmp_path), "--executors", "3"])
    assert isinstance(result.exception, InvalidValueError)
    assert "none is asked for" in str(result.exception)


def test_the_command_says_time_and_money(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\n".join(lines(events())))
    asked = [str(log), "--for-images", "1000000", "--executors", "10"]
    shown = CliRunner().invoke(cost, asked)
    assert "estimate: 1,000,000 images on 10 executors" in shown.output
    assert "22 h" in shown.output
    told = json.loads(CliRunner().invoke(cost, [*asked, "--json"]).stdout)
    assert told["estimate"]["seconds"] == pytest.approx(ALONE + 80_000)
    assert told["estimate"]["images"] == 1_000_000
    assert told["estimate"]["ways"][0]["cost"] > told["ways"][0]["cost"]
