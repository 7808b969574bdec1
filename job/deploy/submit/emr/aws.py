"""AWS by boto3: what it answers, and what went wrong as errors that a person can mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from job.deploy.submit.api_errors import NoSuchObjectError
from job.errors import AccessDeniedError, InvalidValueError, JobError, TransportError

_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnauthorizedException",
    "UnrecognizedClientException",
)
_MISSING = ("NoSuchBucket", "NoSuchKey", "ResourceNotFoundException")
# botocore has tried again by then: these are what is left of it.
_PASSING = ("InternalFailure", "InternalServerException", "ServiceUnavailable", "SlowDown")
_WHO_AM_I = "`aws sts get-caller-identity` shows as whom you ask"


def boto3_client(service: str, **options: Any) -> Any:
    """A client of a service, with boto3's standard configuration and credentials."""
    # It takes a third of a second to import, which `--help` need not pay.
    import boto3

    return boto3.client(service, **options)


class Aws:
    """The services of an account; nothing is asked before the first method is called.

    What passes is tried again as botocore is configured to (AWS_RETRY_MODE, AWS_MAX_ATTEMPTS). Each
    method raises AccessDeniedError, TransportError where nobody answers, NoSuchObjectError, and
    InvalidValueError for what is refused.
    """

    def __init__(self, client: Callable[[str], Any] = boto3_client) -> None:
        self._client = cache(client)

    @property
    def region(self) -> str:
        """The region whose EMR is asked."""
        with told():
            return str(self._client("emr-containers").meta.region_name)

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        """The answer to one request."""
        with told():
            return getattr(self._client(service), operation)(**parameters)

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """What is under `key` in all pages of an answer."""
        with told():
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page.get(key, [])


@contextmanager
def told() -> Iterator[None]:
    """Raise what botocore raises as JobErrors, each one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as refusal:
        raise refused(refusal.response, refusal.operation_name) from refusal
    except BotoCoreError as problem:
        raise not_asked(problem) from problem


def refused(response: dict[str, Any], operation: str) -> JobError:
    """The error for an answer that is none of success."""
    error, status = response["Error"], response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.get("Code", ""))
    said = f"{operation}: {' '.join(str(error.get('Message') or code).split())}"
    if code in _DENIED or status in (401, 403):
        return AccessDeniedError(f"AWS refuses {said}", fix=_WHO_AM_I)
    if code in _MISSING:
        return NoSuchObjectError(said)
    if code in _PASSING or "hrottl" in code or status == 429 or status >= 500:
        return TransportError(f"AWS answers {said}", fix="try again later")
    return InvalidValueError(f"AWS refuses {said}")


def not_asked(problem: Exception) -> JobError:
    """The error for a request that was never answered, or never sent."""
    from botocore import exceptions as raised

    said = " ".join(str(problem).split())
    if isinstance(problem, raised.NoRegionError):
        return InvalidValueError(said.rstrip("."), fix="set AWS_REGION, or a profile with a region")
    if isinstance(problem, (raised.HTTPClientError, raised.ConnectionError)):
        return TransportError(f"no answer from AWS: {said}")
    if isinstance(problem, _credentials(raised)):
        return AccessDeniedError(said, fix=_WHO_AM_I)
    return InvalidValueError(said)


def _credentials(raised: Any) -> tuple[type[Exception], ...]:
    return (
        raised.NoCredentialsError,
        raised.PartialCredentialsError,
        raised.CredentialRetrievalError,
        raised.SSOError,
        raised.TokenRetrievalError,
    )
