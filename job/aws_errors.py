"""Translates botocore's exceptions into JobErrors."""

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
# botocore has already retried these errors.
_TRANSIENT = ("InternalFailure", "InternalServerException", "ServiceUnavailable", "SlowDown")
_CHECK_IDENTITY = "`aws sts get-caller-identity` shows your identity"


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Translate exceptions of botocore into JobErrors."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise error_from_response(error.response, error.operation_name) from error
    except BotoCoreError as problem:
        raise error_from_exception(problem) from problem


def error_from_response(response: dict[str, Any], operation: str) -> JobError:
    """The JobError for an error response of AWS."""
    error, status = response["Error"], response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.get("Code", ""))
    message = f"{operation}: {' '.join(str(error.get('Message') or code).split())}"
    if code in _DENIED or status in (401, 403):
        return AccessDeniedError(f"AWS refuses {message}", fix=_CHECK_IDENTITY)
    if code in _MISSING:
        return NoSuchObjectError(message)
    if code in _TRANSIENT or "hrottl" in code or status == 429 or status >= 500:
        return TransportError(f"AWS answers {message}", fix="try again later")
    return InvalidValueError(f"AWS refuses {message}")


def error_from_exception(problem: Exception) -> JobError:
    """The JobError for a request that was not sent, or that got no response."""
    from botocore import exceptions

    message = " ".join(str(problem).split())
    if isinstance(problem, exceptions.NoRegionError):
        return InvalidValueError(
            message.rstrip("."), fix="set AWS_REGION, or a profile with a region"
        )
    if isinstance(problem, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return TransportError(f"no answer from AWS: {message}")
    if isinstance(problem, _credential_errors(exceptions)):
        return AccessDeniedError(message, fix=_CHECK_IDENTITY)
    return InvalidValueError(message)


def _credential_errors(exceptions: Any) -> tuple[type[Exception], ...]:
    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
    )
