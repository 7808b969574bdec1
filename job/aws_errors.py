"""What botocore raises, as errors of one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from job.errors import (
    AccessDeniedError,
    InvalidValueError,
    JobError,
    NoSuchObjectError,
    TransportError,
)

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


@contextmanager
def aws_errors() -> Iterator[None]:
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
