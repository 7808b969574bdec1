"""Follows a run to its end: polls its status and shows its progress."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from job.deploy.submit.run_store import Notify, RunStore
from job.deploy.submit.spark_application import CANCELLED, COMPLETED, RunStatus
from job.display import Display, ProgressUpdate, display_for
from job.errors import (
    FollowInterruptedError,
    FollowTimeoutError,
    JobError,
    NoSuchObjectError,
    RunFailedError,
    TransportError,
)

POLL_SECONDS = 2.0
LOG_TAIL_LINES = 20
# As long as the job itself waits for its storage.
OUTAGE_SECONDS = 300.0
# Prints a line at least every five seconds, also in an outage.
MAX_RETRY_SECONDS = 4.0


@dataclass(frozen=True)
class Waiting(ProgressUpdate):
    """A run without progress: its state, and why its pod does not start."""

    why: str = ""

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"{self.stage}{why}, {self.seconds:.0f} s"


def follow_run(runs: RunStore, name: str, timeout: float | None) -> None:
    """Show a run's progress on standard error; return when it is complete.

    Raises RunFailedError with the exit code of a failed run. Raises FollowTimeoutError after
    `timeout` seconds, FollowInterruptedError at Ctrl-C, and what RunStore raises: the run then
    continues.
    """
    display = display_for(sys.stderr)
    statuses = poll(lambda: runs.status(name), display.print_line, timeout, interval=POLL_SECONDS)
    try:
        run = follow(statuses, display)
    except KeyboardInterrupt:
        display.print_line(resume_hint(runs, name))
        raise FollowInterruptedError(f"interrupted; the run {name} continues") from None
    except (FollowTimeoutError, TransportError):
        display.print_line(resume_hint(runs, name))
        raise
    failed = run_error(run)
    if failed is not None:
        display.print_line(last_lines(runs, run, display.print_line))
        raise failed


def resume_hint(runs: RunStore, name: str) -> str:
    """The commands to follow, inspect or stop a run that is no longer followed."""
    commands = (f"logs {name} --follow", f"status {name}", f"{runs.stop_command} {name}")
    lines = [f"  image-features submit {command} {runs.options}" for command in commands]
    hint = f"to follow, inspect or {runs.stop_command} it:"
    return "\n".join([f"{name} is no longer followed; {hint}", *lines])


def last_lines(runs: RunStore, run: RunStatus, notify: Notify) -> str:
    """The end of the driver's log, or why it is not available; never raises JobError."""
    try:
        lines = [f"  {line}" for line in runs.read_log(run, notify, tail=LOG_TAIL_LINES)]
    except JobError as error:
        return f"no log of {run.driver}: {error.what}"
    return "\n".join([f"the last lines of {run.driver}:", *lines])


def poll(
    read: Callable[[], RunStatus],
    notify: Callable[[str], None],
    seconds: float | None = None,
    *,
    interval: float = POLL_SECONDS,
    outage: float = OUTAGE_SECONDS,
) -> Iterator[RunStatus]:
    """Yield what `read` returns, every `interval` seconds, for `seconds` or without end.

    Retries a cluster that does not answer for `outage` seconds, then raises TransportError.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = time.monotonic()
        yield _retry_outage(notify, outage)(read)
        remaining = min(started + interval, deadline) - time.monotonic()
        time.sleep(max(remaining, 0))


def follow(
    statuses: Iterable[RunStatus],
    display: Display,
    clock: Callable[[], float] = time.monotonic,
) -> RunStatus:
    """Show changes of state, and progress in between; return the status at the end.

    Raises FollowTimeoutError if `statuses` ends earlier, RunFailedError if the run is deleted.
    """
    watcher = _Watcher(display, clock)
    try:
        for run in statuses:
            watcher.see(run)
            if run.has_ended:
                return run
    except NoSuchObjectError as gone:
        raise RunFailedError(f"{gone.what}: the run was deleted before it ended") from gone
    raise FollowTimeoutError("the run has not ended within --timeout; it continues")


def run_error(run: RunStatus) -> JobError | None:
    """The error for a run that did not complete; None if it did."""
    if run.state == COMPLETED:
        return None
    reason = run.reason or "the cluster gives no reason"
    # The run can fail with a driver exit code of 0: the driver never started, or its pod is gone.
    outcome = "was cancelled" if run.state == CANCELLED else "has failed"
    return RunFailedError.with_code(f"{run.name} {outcome}: {reason}", run.exit_code or 1)


class _Watcher:
    """Remembers what was shown last, and when the current stage began."""

    def __init__(self, display: Display, clock: Callable[[], float]) -> None:
        self._display, self._clock = display, clock
        self._state: str | None = None
        self._stage, self._since, self._last_shown = "", clock(), clock()

    def see(self, run: RunStatus) -> None:
        now = self._clock()
        if run.state != self._state:
            self._state, self._last_shown = run.state, now
            self._display.print_line(describe_state(run))
        stage = run.progress.stage if run.progress else run.state
        if stage != self._stage:
            self._stage, self._since = stage, now
        # Rather half a poll early than half a poll late.
        if (
            not run.has_ended
            and now - self._last_shown >= self._display.interval - POLL_SECONDS / 2
        ):
            self._last_shown = now
            self._display.show(_progress_update(run, now - self._since))


def describe_state(run: RunStatus) -> str:
    """The state of a run in a few words."""
    state = run.state or "not seen by the operator yet"
    after = f" after {run.seconds:.0f} s" if run.has_ended and run.seconds is not None else ""
    attempt = f", attempt {run.attempts}" if run.attempts > 1 else ""
    # Between attempts the operator keeps the message of the previous one.
    why = f": {run.reason}" if run.reason and run.state.endswith(("FAILED", CANCELLED)) else ""
    return f"{run.name}: {state}{after}{attempt}{why}"


def _progress_update(run: RunStatus, seconds: float) -> ProgressUpdate:
    progress = run.progress
    if progress is None or run.state != "RUNNING":
        state = run.state or "waiting for the operator"
        return Waiting(state, "", 0, None, seconds, run.waiting_for)
    # ProgressUpdate computes done / seconds: derive `seconds` from the driver's own rate.
    if progress.rate and progress.rate > 0 and progress.done:
        seconds = progress.done / progress.rate
    return ProgressUpdate(progress.stage, progress.unit, progress.done, progress.total, seconds)


def _retry_outage(notify: Callable[[str], None], outage: float) -> Retrying:
    def report(attempt: RetryCallState) -> None:
        error = attempt.outcome.exception() if attempt.outcome else None
        notify(error.what if isinstance(error, JobError) else str(error))

    return Retrying(
        retry=retry_if_exception_type(TransportError),
        wait=wait_exponential(multiplier=0.5, max=MAX_RETRY_SECONDS),
        stop=stop_after_delay(outage),
        before_sleep=report,
        reraise=True,
    )
