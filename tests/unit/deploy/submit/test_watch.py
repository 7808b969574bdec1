"""What a person sees of a run, and how following ends."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from job.deploy.submit.spark_application import Observed, observed
from job.deploy.submit.watch import failure, follow, observations
from job.display import Lines
from job.errors import FollowTimeoutError, NoSuchObjectError, RunFailedError, TransportError
from tests.unit.deploy.submit.examples import FEATURIZE, NAME, application, driver


def run(state: str, **of_driver: Any) -> Observed:
    return observed(application(state), driver(**of_driver))


def followed(seen: Iterable[Observed], seconds_between: float = 2.0) -> tuple[Observed, list[str]]:
    """The last observation and the lines shown, without the time of day."""
    output = io.StringIO()
    end = follow(seen, Lines(output), clock=Clock(seconds_between))
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
    assert failure(run("COMPLETED", exit_code=0)) is None
    # The pod may be gone by then.
    assert failure(observed(application("COMPLETED"), None)) is None


def test_a_failed_run_ends_with_the_code_and_the_reason_of_the_job() -> None:
    failed = failure(run("FAILED", exit_code=3, message="--input is empty"))
    assert failed is not None
    assert failed.exit_code == 3
    assert str(failed) == f"{NAME} has failed: --input is empty"


@pytest.mark.parametrize("exit_code", [None, 0])
def test_a_failed_run_never_ends_with_zero(exit_code: int | None) -> None:
    failed = failure(run("FAILED", exit_code=exit_code))
    assert failed is not None
    assert failed.exit_code == 1


def test_a_run_that_is_deleted_has_failed() -> None:
    def seen() -> Iterator[Observed]:
        yield run("RUNNING")
        raise NoSuchObjectError("sparkapplications fruits-one not found")

    with pytest.raises(RunFailedError, match="deleted before it had ended") as failed:
        followed(seen())
    assert failed.value.exit_code == 1


def test_following_ends_with_its_own_code_when_the_time_is_over() -> None:
    seen = observations(lambda: run("RUNNING"), print, seconds=0.05, poll=0.01)
    with pytest.raises(FollowTimeoutError, match="goes on") as over:
        followed(seen)
    assert over.value.exit_code == 124


def test_passing_trouble_of_the_cluster_is_told_and_waited_out() -> None:
    answers: list[Observed | Exception] = [TransportError("the cluster answers 503"), run("FAILED")]
    told: list[str] = []

    def read() -> Observed:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert next(observations(read, told.append)).state == "FAILED"
    assert told == ["the cluster answers 503"]


def test_an_outage_does_not_last_for_ever() -> None:
    def read() -> Observed:
        raise TransportError("the cluster answers 503")

    with pytest.raises(TransportError):
        next(observations(read, lambda _: None, outage=0.1))
