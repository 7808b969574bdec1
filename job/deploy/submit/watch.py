"""Follow a run to its end: what is asked of the cluster, and what is shown of the answers."""

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

from job.deploy.submit.run_store import Runs, Say
from job.deploy.submit.spark_application import CANCELLED, COMPLETED, Observed
from job.display import Display, Tick, display_for
from job.errors import (
    FollowInterruptedError,
    FollowTimeoutError,
    JobError,
    NoSuchObjectError,
    RunFailedError,
    TransportError,
)

POLL_SECONDS = 2.0
LAST_LINES = 20
# As long as the job waits for its storage.
OUTAGE_SECONDS = 300.0
# A line at least every five seconds, in an outage too.
LONGEST_WAIT = 4.0


@dataclass(frozen=True)
class Waiting(Tick):
    """A run that has no progress to show yet: its state, and why its pod does not start."""

    why: str = ""

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"{self.stage}{why}, {self.seconds:.0f} s"


def follow_to_its_end(runs: Runs, name: str, timeout: float | None) -> None:
    """Show on standard error what becomes of a run; return when it is complete.

    Raises RunFailedError with the exit code of a run that fails, and, while the run goes on,
    FollowTimeoutError after `timeout` seconds, FollowInterruptedError at Ctrl-C, and what
    Runs raise.
    """
    display = display_for(sys.stderr)
    seen = observations(lambda: runs.observe(name), display.end, timeout, poll=POLL_SECONDS)
    try:
        run = follow(seen, display)
    except KeyboardInterrupt:
        display.end(how_to_go_on(runs, name))
        raise FollowInterruptedError(f"interrupted; the run {name} goes on") from None
    except (FollowTimeoutError, TransportError):
        display.end(how_to_go_on(runs, name))
        raise
    failed = failure(run)
    if failed is not None:
        display.end(last_lines(runs, run, display.end))
        raise failed


def how_to_go_on(runs: Runs, name: str) -> str:
    """The commands for a run that is no longer followed."""
    commands = (f"logs {name} --follow", f"status {name}", f"{runs.stopping} {name}")
    lines = [f"  image-features submit {command} {runs.options}" for command in commands]
    to = f"to follow, see or {runs.stopping} it:"
    return "\n".join([f"{name} is no longer followed; {to}", *lines])


def last_lines(runs: Runs, run: Observed, say: Say) -> str:
    """The end of the driver's log, or why there is none: the run's own failure matters more."""
    try:
        lines = [f"  {line}" for line in runs.log(run, say, tail=LAST_LINES)]
    except JobError as problem:
        return f"no log of {run.driver}: {problem.what}"
    return "\n".join([f"the last lines of {run.driver}:", *lines])


def observations(
    read: Callable[[], Observed],
    say: Callable[[str], None],
    seconds: float | None = None,
    *,
    poll: float = POLL_SECONDS,
    outage: float = OUTAGE_SECONDS,
) -> Iterator[Observed]:
    """What `read` gives, again and again, for `seconds`, or for as long as somebody asks.

    A cluster that does not answer is asked again for `outage` seconds, then raises TransportError.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        yield _patiently(say, outage)(read)
        left = min(began + poll, deadline) - time.monotonic()
        time.sleep(max(left, 0))


def follow(
    seen: Iterable[Observed],
    display: Display,
    clock: Callable[[], float] = time.monotonic,
) -> Observed:
    """Show changes of state as they come and progress in between; the run when it has ended.

    Raises FollowTimeoutError if `seen` is over before that, RunFailedError if the run is deleted.
    """
    watcher = _Watcher(display, clock)
    try:
        for run in seen:
            watcher.see(run)
            if run.has_ended:
                return run
    except NoSuchObjectError as gone:
        raise RunFailedError(f"{gone.what}: it was deleted before it had ended") from gone
    raise FollowTimeoutError("the run has not ended in the time given by --timeout; it goes on")


def failure(run: Observed) -> JobError | None:
    """The error that ends the command as the run has ended; None for a run that is complete."""
    if run.state == COMPLETED:
        return None
    reason = run.reason or "the cluster gives no reason"
    # The driver may end well and the run fail all the same: it was never started, or it is gone.
    became = "was cancelled" if run.state == CANCELLED else "has failed"
    return RunFailedError.with_code(f"{run.name} {became}: {reason}", run.exit_code or 1)


class _Watcher:
    """Remembers what was shown, and since when the stage at work is known."""

    def __init__(self, display: Display, clock: Callable[[], float]) -> None:
        self._display, self._clock = display, clock
        self._state: str | None = None
        self._stage, self._since, self._shown = "", clock(), clock()

    def see(self, run: Observed) -> None:
        now = self._clock()
        if run.state != self._state:
            self._state, self._shown = run.state, now
            self._display.end(said(run))
        stage = run.progress.stage if run.progress else run.state
        if stage != self._stage:
            self._stage, self._since = stage, now
        # Half a poll early is better than half a poll late.
        if not run.has_ended and now - self._shown >= self._display.interval - POLL_SECONDS / 2:
            self._shown = now
            self._display.show(_tick(run, now - self._since))


def said(run: Observed) -> str:
    """A run's state in a few words."""
    state = run.state or "not seen by the operator yet"
    after = f" after {run.seconds:.0f} s" if run.has_ended and run.seconds is not None else ""
    attempt = f", attempt {run.attempts}" if run.attempts > 1 else ""
    # Between states the operator keeps the message of the attempt before.
    why = f": {run.reason}" if run.reason and run.state.endswith(("FAILED", CANCELLED)) else ""
    return f"{run.name}: {state}{after}{attempt}{why}"


def _tick(run: Observed, seconds: float) -> Tick:
    progress = run.progress
    if progress is None or run.state != "RUNNING":
        state = run.state or "waiting for the operator"
        return Waiting(state, "", 0, None, seconds, run.waiting_for)
    # A tick's rate is done / seconds: the driver's own rate says since when it works on the stage.
    if progress.rate and progress.rate > 0 and progress.done:
        seconds = progress.done / progress.rate
    return Tick(progress.stage, progress.unit, progress.done, progress.total, seconds)


def _patiently(say: Callable[[str], None], outage: float) -> Retrying:
    def tell(attempt: RetryCallState) -> None:
        problem = attempt.outcome.exception() if attempt.outcome else None
        say(problem.what if isinstance(problem, JobError) else str(problem))

    return Retrying(
        retry=retry_if_exception_type(TransportError),
        wait=wait_exponential(multiplier=0.5, max=LONGEST_WAIT),
        stop=stop_after_delay(outage),
        before_sleep=tell,
        reraise=True,
    )
