"""Translates failures of Spark and its storage into JobErrors."""

from __future__ import annotations

import re

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException

from job import errors
from job.errors import (
    AccessDeniedError,
    DamagedTableError,
    InputNotFoundError,
    InvalidValueError,
    JobError,
    TransportError,
)
from job.runtime.memory_errors import out_of_memory_error

_MAX_CAUSE_LENGTH = 300

# py4j raises ConnectionError when the JVM has died.
STORAGE_EXCEPTIONS = (Py4JError, PySparkException, ConnectionError)

_JOB_ERROR = re.compile(r"job\.errors\.(\w+): (.*)")
_MISSING = re.compile(r"NoSuchBucket|UnknownStoreException|bucket does not exist", re.IGNORECASE)
_TRANSIENT = re.compile(
    r"ExpiredToken|SlowDown|RequestTimeout|Status Code: 5\d\d|status code 5\d\d|SocketTimeout"
    r"|Connection reset|Connection refused|ConnectException|NoHttpResponse|AWSStatus500"
    r"|AWSServiceIOException|AWSServiceThrottled|AWSNoResponse|ApiCall(?:Attempt)?TimeoutException|UnknownHost"
    r"|Premature end of",
    re.IGNORECASE,
)
# Delta reports another commit since the version that the write had read.
_CONFLICT = re.compile(r"DELTA_(?:CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)")
_TRANSIENT_FIX = "check the endpoint and the network, then run the same command again: it goes on"
_UNKNOWN_HOST_FIX = (
    "check fs.s3a.endpoint and DNS; where buckets are no hosts, set fs.s3a.path.style.access=true"
)
_DENIED = re.compile(
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoAuthWithAWS|NoAwsCredentials"
    r"|CredentialInitialization|Status Code: 403|Permission denied",
    re.IGNORECASE,
)
# A Delta table lacks commits, or a data file directly in its folder.
_INCOMPLETE = re.compile(
    r"\[DELTA_(?:TRUNCATED_TRANSACTION_LOG|LOG_FILE_NOT_FOUND|STATE_RECOVER_ERROR"
    r"|VERSIONS_NOT_CONTIGUOUS|TABLE_NOT_FOUND|MISSING_DELTA_TABLE)\]"
    r"|FAILED_READ_FILE\.FILE_NOT_EXIST\][^\n]*/(?:features|quarantine)/(?:_change_data/)?[^/\s]+"
    r"\.parquet"
)


def as_job_error(error: Exception, where: str) -> JobError | None:
    """The JobError for a failure of Spark or Hadoop; None if no JobError fits."""
    text = str(error)
    raised_by_worker = _JOB_ERROR.findall(text)
    if raised_by_worker:
        name, message = raised_by_worker[-1]
        kind: type[JobError] = getattr(errors, name)
        return kind(message)
    out_of_memory = out_of_memory_error(text)
    if out_of_memory is not None:
        return out_of_memory
    if _MISSING.search(text):
        return InputNotFoundError(
            f"the bucket of {where} does not exist",
            expected="a bucket",
            fix="check its name and region",
        )
    if _CONFLICT.search(text):
        return TransportError(
            f"another program wrote to {where} at the same time: {cause(error)}",
            expected="one writer at a time",
            fix="run the same command again: it goes on",
        )
    if _TRANSIENT.search(text):
        return TransportError(
            f"the storage of {where} does not answer: {cause(error)}",
            expected="an answer",
            fix=_UNKNOWN_HOST_FIX if "UnknownHost" in text else _TRANSIENT_FIX,
        )
    if _DENIED.search(text):
        return AccessDeniedError(
            f"access to {where} is refused: {cause(error)}",
            expected="credentials that may read the input and write the output",
            fix="check AWS_PROFILE, AWS_ACCESS_KEY_ID or the role of the service account",
        )
    if _INCOMPLETE.search(text):
        return DamagedTableError(
            f"a table of the output lacks files: {cause(error)}",
            expected="all files that its commits name",
            fix="put them back, or delete the folder of this table and run again: its images are "
            "featurized again",
        )
    return None


def start_error(error: Exception, event_log: str) -> JobError:
    """The JobError for a session that did not start; `event_log` is the folder of its event log."""
    known = as_job_error(error, event_log)
    if known is not None:
        return known
    reason = cause(error)
    if "JAVA_GATEWAY_EXITED" in reason:
        reason = "the lines above have the error of its JVM"
    return InvalidValueError(
        f"Spark did not start: {reason}",
        expected="a Spark master and valid Spark settings",
        fix="check --master and --conf",
    )


def cause(error: Exception) -> str:
    """The most informative line of a stack trace, cut to 300 characters.

    For Java it is the last "Caused by", else the exception; for a Python worker the last line.
    """
    text = str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    if isinstance(error, PythonException):
        return lines[-1][:_MAX_CAUSE_LENGTH]
    causes = re.findall(r"Caused by: (.*)", text) or re.findall(r"^: (.*)", text, re.MULTILINE)
    return str(causes[-1] if causes else lines[0])[:_MAX_CAUSE_LENGTH]
