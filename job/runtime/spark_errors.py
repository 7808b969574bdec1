"""What failures of Spark and its storage mean: passing ones are waited out, others are one line."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_exponential,
)

from job import errors
from job.errors import AccessDeniedError, InputNotFoundError, JobError, TransportError
from job.runtime.lost_processes import memory_error

T = TypeVar("T")

# A minute of refusals is common (throttling, credentials being renewed); five are an outage.
WAIT_SECONDS = 300.0
_LONGEST_CAUSE = 300

# ConnectionError is py4j's, where there is no JVM any more.
STORAGE_EXCEPTIONS = (Py4JError, PySparkException, ConnectionError)

_JOB_ERROR = re.compile(r"job\.errors\.(\w+): (.*)")
_MISSING = re.compile(r"NoSuchBucket|UnknownStoreException|bucket does not exist", re.IGNORECASE)
_PASSING = re.compile(
    r"ExpiredToken|SlowDown|RequestTimeout|Status Code: 5\d\d|status code 5\d\d|SocketTimeout"
    r"|Connection reset|Connection refused|ConnectException|NoHttpResponse|AWSStatus500"
    r"|AWSServiceIOException|AWSServiceThrottled|AWSNoResponse|ApiCall(?:Attempt)?TimeoutException|UnknownHost"
    r"|Premature end of",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoAuthWithAWS|NoAwsCredentials"
    r"|CredentialInitialization|Status Code: 403|Permission denied",
    re.IGNORECASE,
)


def as_job_error(error: Exception, where: str) -> JobError | None:
    """The JobError that a failure of Spark or Hadoop stands for; None if there is none for it."""
    text = str(error)
    raised_by_worker = _JOB_ERROR.findall(text)
    if raised_by_worker:
        name, message = raised_by_worker[-1]
        kind: type[JobError] = getattr(errors, name)
        return kind(message)
    lost = memory_error(text)
    if lost is not None:
        return lost
    if _MISSING.search(text):
        return InputNotFoundError(
            f"the bucket of {where} does not exist",
            expected="a bucket",
            fix="check its name and region",
        )
    if _PASSING.search(text):
        return TransportError(
            f"the storage of {where} does not answer: {cause(error)}",
            expected="an answer",
            fix="check the endpoint and the network, then run the same command again: it goes on",
        )
    if _REFUSED.search(text):
        return AccessDeniedError(
            f"access to {where} is refused: {cause(error)}",
            expected="credentials that may read the input and write the output",
            fix="check AWS_PROFILE, AWS_ACCESS_KEY_ID or the role of the service account",
        )
    return None


def waiting_out(
    step: Callable[[], T],
    where: str,
    seconds: float = WAIT_SECONDS,
    given_up: threading.Event | None = None,
) -> T:
    """Do `step` again with growing pauses while storage fails for what may pass.

    Refusals count as passing too: the run was let in when it began, and a HEAD request answered
    with 403 cannot say that only its token has expired. Raises the JobError after `seconds`, or
    once another thread has `given_up`.
    """

    def attempt() -> T:
        try:
            return step()
        except STORAGE_EXCEPTIONS as error:
            raise as_job_error(error, where) or error from error

    ended = given_up or threading.Event()
    retrying = Retrying(
        retry=retry_if_exception_type((TransportError, AccessDeniedError)),
        wait=wait_exponential(multiplier=1, min=1, max=20),
        stop=stop_after_delay(seconds) | stop_when_event_set(ended),
        sleep=sleep_using_event(ended),
        before_sleep=_say_waiting,
        reraise=True,
    )
    return retrying(attempt)


def _say_waiting(state: RetryCallState) -> None:
    assert state.outcome is not None
    assert state.next_action is not None
    error = state.outcome.exception()
    print(
        f"waiting {state.next_action.sleep:.0f} s, then again: {error}", file=sys.stderr, flush=True
    )


def cause(error: Exception) -> str:
    """The one line of a stack trace that says most, cut where it is long.

    Of Java's the last "Caused by", else what was thrown; of a Python worker's its last line.
    """
    text = str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    if isinstance(error, PythonException):
        return lines[-1][:_LONGEST_CAUSE]
    causes = re.findall(r"Caused by: (.*)", text) or re.findall(r"^: (.*)", text, re.MULTILINE)
    return str(causes[-1] if causes else lines[0])[:_LONGEST_CAUSE]
