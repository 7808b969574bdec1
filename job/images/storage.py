"""What storage holds and how it refuses: the words that the stores of this room share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_random_exponential,
)
from tenacity.nap import sleep_using_event

from job.errors import AccessDeniedError, InputNotFoundError, TransportError

# Refusals that say something of the caller or of the moment, not of the object.
PASSING_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
# For who reads an object whatever its size.
ANY_SIZE = 1 << 40
# Archived, or encrypted with a key that only its owner has: refused as the object that it is.
FORBIDDEN_CODES = frozenset({"InvalidObjectState", "InvalidRequest"})


@dataclass(frozen=True)
class StoredObject:
    """One object as a listing tells it; `etag` without quotes, `modification_time` in UTC."""

    path: str
    length: int
    etag: str | None
    modification_time: datetime


@dataclass(frozen=True)
class Page:
    """A part of a listing: objects, the folders below (only with a delimiter), where it goes on."""

    objects: list[StoredObject]
    folders: list[str]
    next_token: str | None


@dataclass(frozen=True)
class ObjectBytes:
    """An object and its bytes, of one version; `data` None where it is longer than was allowed."""

    version: StoredObject
    data: bytes | None


def all_pages(page: Callable[[str | None], Page]) -> Iterator[Page]:
    """All pages of a listing; `page` gives the one at a token, the first at None."""
    token: str | None = None
    while True:
        found = page(token)
        yield found
        token = found.next_token
        if token is None:
            return


class VanishedError(Exception):
    """The object was listed and is not there any more."""


class ForbiddenError(Exception):
    """The store refuses this object to these credentials."""


class BucketMissingError(Exception):
    """There is no such bucket."""


def bucket_missing(bucket: str) -> InputNotFoundError:
    """What a person is told of BucketMissingError."""
    return InputNotFoundError(
        f"the bucket {bucket!r} does not exist",
        expected="a bucket",
        fix="check its name and endpoint",
    )


class PassingError(Exception):
    """The store did not answer, or refused for a reason that may pass; worth another try."""


class CredentialsRefusedError(PassingError):
    """The credentials have expired or are wrong; a renewal may help."""


def refusal(code: str | None, status: int | None, message: str) -> Exception:
    """What an answer of S3 that is not 2xx means for the object that was asked for."""
    # No request id and no timing: what goes into a table is the same for each reader and run.
    brief = " ".join(str(part) for part in (status, code) if part)
    if code == "NoSuchBucket":
        return BucketMissingError(brief)
    if status == 404:
        return VanishedError(brief)
    if code in FORBIDDEN_CODES or (status == 403 and code not in PASSING_CODES):
        return ForbiddenError(brief)
    return (CredentialsRefusedError if code in PASSING_CODES else PassingError)(message)


def retrying(seconds: float, where: str, stopped: threading.Event | None = None) -> Retrying:
    """Call again on PassingError, with growing pauses, for `seconds`.

    Then TransportError, or AccessDeniedError where the credentials were refused all the time.

    Setting `stopped` ends the pauses at once: nobody waits for the answer any more.
    """
    event = stopped or threading.Event()

    def give_up(state: RetryCallState) -> None:
        assert state.outcome is not None
        cause = state.outcome.exception()
        if isinstance(cause, CredentialsRefusedError):
            raise AccessDeniedError(
                f"the credentials for {where} were refused for {seconds:.0f} s: {cause}",
                expected="valid keys, or a role whose token is renewed",
                fix="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role of the pods",
            ) from cause
        raise TransportError(
            f"{where} did not answer for {seconds:.0f} s: {cause}",
            expected="an answer",
            fix="check the endpoint, the credentials and the network; the same run id goes on",
        ) from cause

    return Retrying(
        retry=retry_if_exception_type(PassingError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_any(stop_after_delay(seconds), stop_when_event_set(event)),
        sleep=sleep_using_event(event),
        retry_error_callback=give_up,
    )
