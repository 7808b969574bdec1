"""AWS by boto3: what it answers, and what went wrong as errors that a person can mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from job.aws_errors import aws_errors


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
        with aws_errors():
            return str(self._client("emr-containers").meta.region_name)

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        """The answer to one request."""
        with aws_errors():
            return getattr(self._client(service), operation)(**parameters)

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """What is under `key` in all pages of an answer."""
        with aws_errors():
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page.get(key, [])
