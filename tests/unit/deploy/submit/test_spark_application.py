"""The status of a run, from its SparkApplication and its driver's pod."""

from __future__ import annotations

from typing import Any

import pytest

from job.deploy.submit.spark_application import Progress, driver_pod_name, run_status
from tests.unit.deploy.submit.examples import FEATURIZE, NAME, application, driver


def test_progress_is_what_the_driver_publishes() -> None:
    seen = run_status(application("RUNNING"), driver(progress=FEATURIZE))
    assert seen.progress == Progress("featurize", "images", 120, 240, 40.0)
    assert str(seen.progress) == "featurize 120 / 240 images"


def test_total_and_rate_may_be_unknown() -> None:
    listing = {"stage": "list", "done": 7, "total": None, "unit": "objects", "rate": None}
    seen = run_status(application("RUNNING"), driver(progress=listing))
    assert seen.progress == Progress("list", "objects", 7, None, None)


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        {**FEATURIZE, "done": "many"},
        {**FEATURIZE, "done": None},
        {**FEATURIZE, "total": [1]},
        '{"stage": "x", "unit": "y", "done": 1e999}',
        '{"stage": "x", "unit": "y", "done": NaN}',
        "[" * 100_000,
    ],
)
def test_garbage_in_the_annotation_is_no_progress(garbage: Any) -> None:
    assert run_status(application("RUNNING"), driver(progress=garbage)).progress is None


def test_a_stage_does_nothing_to_a_terminal() -> None:
    nasty = {**FEATURIZE, "stage": "\x1b[2J\nfeaturize" + "e" * 100}
    seen = run_status(application("RUNNING"), driver(progress=nasty)).progress
    assert seen is not None
    assert seen.stage.startswith("[2Jfeaturize")
    assert len(seen.stage) == 40


def test_exit_code_and_reason_are_those_of_the_driver_s_container() -> None:
    seen = run_status(
        application("FAILED", "driver container failed with ExitCode: 3, Reason: Error"),
        driver(exit_code=3, message="--input is s3a://images/nowhere, which is empty"),
    )
    assert seen.exit_code == 3
    assert seen.reason == "--input is s3a://images/nowhere, which is empty"


def test_a_killed_driver_tells_what_killed_it() -> None:
    log = "INFO at work\nINFO still at work"
    killed = driver(exit_code=137, message=log, reason="OOMKilled")
    seen = run_status(application("FAILED"), killed)
    assert (seen.exit_code, seen.reason) == (137, "OOMKilled: INFO still at work")


def test_without_the_pod_the_operator_s_message_has_the_code() -> None:
    message = "driver container failed with ExitCode: 6, Reason: Error"
    seen = run_status(application("FAILED", message), None)
    assert (seen.exit_code, seen.reason) == (6, message)


def test_a_run_that_was_never_started_has_no_code() -> None:
    seen = run_status(application("FAILED", "failed to run spark-submit:\n no such image"), None)
    assert (seen.exit_code, seen.reason) == (None, "failed to run spark-submit: no such image")


def test_an_application_that_the_operator_has_not_seen_has_a_state_too() -> None:
    new = {"metadata": {"name": NAME}}
    assert driver_pod_name(new) == f"{NAME}-driver"
    seen = run_status(new, None)
    assert (seen.state, seen.has_ended, seen.seconds) == ("", False, None)


def test_a_pod_that_finds_no_node_says_why() -> None:
    pod = driver()
    pod["status"] = {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/3 nodes are available",
            }
        ],
    }
    seen = run_status(application("SUBMITTED"), pod)
    assert seen.waiting_for == "Unschedulable: 0/3 nodes are available"


def test_duration_is_from_submission_to_the_end() -> None:
    assert run_status(application("COMPLETED"), None).seconds == 74.0
