"""Objects, listing pages and errors that all storage clients share."""

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

# Error codes about the caller or the moment, not about the object.
TRANSIENT_CODES = frozenset(
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
# A size limit above any object, to read it whatever its size.
ANY_SIZE = 1 << 40
# The object is archived, or encrypted with a key that only its owner has.
FORBIDDEN_CODES = frozenset({"InvalidObjectState", "InvalidRequest"})
# S3 passes on the errors of KMS: most say that the key of this object cannot be used.
_KMS_CODE = "KMS."
_TRANSIENT_KMS_CODES = frozenset(
    {
        "KMS.DependencyTimeoutException",
        "KMS.KMSInternalException",
        "KMS.KeyUnavailableException",
        "KMS.ThrottlingException",
    }
)


@dataclass(frozen=True)
class StoredObject:
    """One listed object; `etag` has no quotes, `modification_time` is in UTC."""

    path: str
    length: int
    etag: str | None
    modification_time: datetime


@dataclass(frozen=True)
class Page:
    """One page of a listing: objects, subfolders (only with a delimiter), the next page's token."""

    objects: list[StoredObject]
    folders: list[str]
    next_token: str | None


@dataclass(frozen=True)
class ObjectBytes:
    """An object and its bytes, of one version; `data` is None if it exceeds the size limit."""

    version: StoredObject
    data: bytes | None


def all_pages(read_page: Callable[[str | None], Page]) -> Iterator[Page]:
    """All pages of a listing; `read_page` takes a token, None for the first page."""
    token: str | None = None
    while True:
        page = read_page(token)
        yield page
        token = page.next_token
        if token is None:
            return


class ObjectNotFoundError(Exception):
    """The object does not exist, or no longer."""


class ForbiddenError(Exception):
    """The credentials may not read this object."""


class BucketNotFoundError(Exception):
    """The bucket does not exist."""


def bucket_not_found_error(bucket: str) -> InputNotFoundError:
    """The JobError for a BucketNotFoundError."""
    return InputNotFoundError(
        f"the bucket {bucket!r} does not exist",
        expected="a bucket",
        fix="check its name and endpoint",
    )


class TransientError(Exception):
    """The store did not answer, or refused for a temporary reason; retry."""


class CredentialsRefusedError(TransientError):
    """The credentials have expired or are wrong; renewing them may help."""


def error_from_response(
    code: str | None, status: int | None, message: str, storage_class: str | None = None
) -> Exception:
    """The exception for an S3 response outside 2xx; archived objects have a `storage_class`."""
    # Without request id and timing: tables get the same text from each reader and run.
    brief = " ".join(str(part) for part in (status, code, storage_class) if part)
    if code == "NoSuchBucket":
        return BucketNotFoundError(brief)
    if status == 404:
        return ObjectNotFoundError(brief)
    if _is_forbidden(code, status):
        return ForbiddenError(brief)
    return (CredentialsRefusedError if code in TRANSIENT_CODES else TransientError)(message)


def _is_forbidden(code: str | None, status: int | None) -> bool:
    if code is not None and code.startswith(_KMS_CODE):
        return code not in _TRANSIENT_KMS_CODES
    return code in FORBIDDEN_CODES or (status == 403 and code not in TRANSIENT_CODES)


def retry_transient(seconds: float, where: str, stopped: threading.Event | None = None) -> Retrying:
    """Retry on TransientError, with growing pauses, for `seconds`.

    Setting `stopped` ends the pauses at once. Raises TransportError after `seconds`, or
    AccessDeniedError if the last attempt failed because of the credentials.
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
        retry=retry_if_exception_type(TransientError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_any(stop_after_delay(seconds), stop_when_event_set(event)),
        sleep=sleep_using_event(event),
        retry_error_callback=give_up,
    )
