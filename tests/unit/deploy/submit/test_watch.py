"""The output while following a run, and how following ends."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from job.deploy.submit.spark_application import RunStatus, run_status
from job.deploy.submit.watch import follow, poll, run_error
from job.display import LineDisplay
from job.errors import FollowTimeoutError, NoSuchObjectError, RunFailedError, TransportError
from tests.unit.deploy.submit.examples import FEATURIZE, NAME, application, driver


def run(state: str, **of_driver: Any) -> RunStatus:
    return run_status(application(state), driver(**of_driver))


def followed(
    seen: Iterable[RunStatus], seconds_between: float = 2.0
) -> tuple[RunStatus, list[str]]:
    """The last observation and the lines shown, without the time of day."""
    output = io.StringIO()
    end = follow(seen, LineDisplay(output), clock=Clock(seconds_between))
    return end, [line.split(" ", 1)[1] for line in output.getvalue().splitlines()]


class Clock:
    """A time that goes on by one observation each time it is asked."""

    def __init__(self, step: float) -> None:
        self._now, self._step = 0.0, step

    def __call__(self) -> float:
        self._now += self._step
        return self._now


def test_each_change_of_state_is_shown_once() -> None:
    states = ["", "SUBMITTED", "SUBMITTED", "RUNNING", "RUNNING", "SUCCEEDING", "COMPLETED"]
    end, lines = followed(map(run, states))
    assert end.state == "COMPLETED"
    assert [line for line in lines if line.startswith(NAME)] == [
        f"{NAME}: not seen by the operator yet",
        f"{NAME}: SUBMITTED",
        f"{NAME}: RUNNING",
        f"{NAME}: SUCCEEDING",
        f"{NAME}: COMPLETED after 74 s",
    ]


@pytest.mark.parametrize(
    "state",
    [
        "SUBMITTED",
        "RUNNING",
        # The operator submits again, or says FAILED after it.
        "SUBMISSION_FAILED",
        "PENDING_RERUN",
        "INVALIDATING",
        "SUCCEEDING",
        "FAILING",
        "SUSPENDING",
        "SUSPENDED",
        "RESUMING",
        "UNKNOWN",
        "A_STATE_TO_COME",
    ],
)
def test_a_state_that_is_not_the_end_is_followed_further(state: str) -> None:
    end, _ = followed([run(state), run("FAILED", exit_code=1)])
    assert end.state == "FAILED"


def test_progress_is_a_line_every_four_seconds() -> None:
    at_work = [run("RUNNING", progress=FEATURIZE)] * 6
    _, lines = followed([*at_work, run("COMPLETED")])
    ticks = [line for line in lines if line.startswith("featurize")]
    assert ticks == ["featurize: 120 / 240 images, 40.0 images/s, 3 s left, 3 s"] * 2


def test_waiting_for_a_pod_is_progress_too() -> None:
    _, lines = followed([*[run("SUBMITTED")] * 4, run("COMPLETED")])
    assert "SUBMITTED, 4 s" in lines


@pytest.mark.parametrize("rate", [None, 0, -1.0])
def test_without_a_rate_seconds_are_counted_here(rate: float | None) -> None:
    at_work = [run("RUNNING", progress={**FEATURIZE, "rate": rate})] * 4
    _, lines = followed([*at_work, run("COMPLETED")])
    assert any(line.startswith("featurize: 120 / 240 images, 30.0 images/s") for line in lines)


def test_garbage_in_the_annotation_does_not_end_following() -> None:
    at_work = [run("RUNNING", progress="{garbage")] * 4
    end, lines = followed([*at_work, run("COMPLETED")])
    assert end.state == "COMPLETED"
    assert "RUNNING, 4 s" in lines


def test_a_complete_run_is_no_failure() -> None:
    assert run_error(run("COMPLETED", exit_code=0)) is None
    # The pod may be gone by then.
    assert run_error(run_status(application("COMPLETED"), None)) is None


def test_a_failed_run_ends_with_the_code_and_the_reason_of_the_job() -> None:
    failed = run_error(run("FAILED", exit_code=3, message="--input is empty"))
    assert failed is not None
    assert failed.exit_code == 3
    assert str(failed) == f"{NAME} has failed: --input is empty"


@pytest.mark.parametrize("exit_code", [None, 0])
def test_a_failed_run_never_ends_with_zero(exit_code: int | None) -> None:
    failed = run_error(run("FAILED", exit_code=exit_code))
    assert failed is not None
    assert failed.exit_code == 1


def test_a_run_that_is_deleted_has_failed() -> None:
    def seen() -> Iterator[RunStatus]:
        yield run("RUNNING")
        raise NoSuchObjectError("sparkapplications fruits-one not found")

    with pytest.raises(RunFailedError, match="the run was deleted before it ended") as failed:
        followed(seen())
    assert failed.value.exit_code == 1


def test_following_ends_with_its_own_code_when_the_time_is_over() -> None:
    seen = poll(lambda: run("RUNNING"), print, seconds=0.05, interval=0.01)
    with pytest.raises(FollowTimeoutError, match="continues") as over:
        followed(seen)
    assert over.value.exit_code == 124


def test_transient_errors_of_the_cluster_are_reported_and_retried() -> None:
    answers: list[RunStatus | Exception] = [
        TransportError("the cluster answers 503"),
        run("FAILED"),
    ]
    messages: list[str] = []

    def read() -> RunStatus:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert next(poll(read, messages.append)).state == "FAILED"
    assert messages == ["the cluster answers 503"]


def test_retries_end_with_the_outage_limit() -> None:
    def read() -> RunStatus:
        raise TransportError("the cluster answers 503")

    with pytest.raises(TransportError):
        next(poll(read, lambda _: None, outage=0.1))
