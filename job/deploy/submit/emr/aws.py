"""Calls AWS with boto3; errors are JobErrors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from job.aws_errors import translate_aws_errors


def boto3_client(service: str, **options: Any) -> Any:
    """A client of a service, with boto3's standard configuration and credentials."""
    # Importing boto3 takes 0.3 s, and `--help` does not need it.
    import boto3

    return boto3.client(service, **options)


class Aws:
    """The services of an account; the constructor sends no request.

    botocore retries transient errors as configured (AWS_RETRY_MODE, AWS_MAX_ATTEMPTS). Each method
    raises AccessDeniedError, TransportError without an answer, NoSuchObjectError, and
    InvalidValueError for a rejected request.
    """

    def __init__(self, client: Callable[[str], Any] = boto3_client) -> None:
        self._client = cache(client)

    @property
    def region(self) -> str:
        """The region of the EMR client."""
        with translate_aws_errors():
            return str(self._client("emr-containers").meta.region_name)

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """The response to one request."""
        with translate_aws_errors():
            return getattr(self._client(service), operation)(**parameters)

    def paginate(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """The items under `key` in all pages of a response."""
        with translate_aws_errors():
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page.get(key, [])
