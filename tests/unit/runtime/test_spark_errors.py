"""Failures of Spark and its storage, as the user reads them."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PythonException

from job.errors import (
    AccessDeniedError,
    DamagedTableError,
    InputNotFoundError,
    OutOfMemoryError,
    TransportError,
    WeightsError,
)
from job.runtime.spark_errors import as_job_error, cause


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "S3Exception: Please reduce your request rate (Service: S3, Status Code: 503)",
            TransportError,
        ),
        (
            "java.nio.file.AccessDeniedException: s3a://b/k: The token has expired:ExpiredToken",
            TransportError,
        ),
        ("Caused by: java.net.SocketException: Connection reset", TransportError),
        (
            ": io.delta.exceptions.ConcurrentAppendException: [DELTA_CONCURRENT_APPEND] x",
            TransportError,
        ),
        (
            "java.nio.file.AccessDeniedException: s3a://b/k: Forbidden (Status Code: 403)",
            AccessDeniedError,
        ),
        (
            # The stack trace of every request has a class with "Timeout" in its name.
            "An error occurred while calling o1.getObjectAsBytes.\n"
            ": S3Exception: The key is unknown (Service: S3, Status Code: 403)\n"
            "\tat software.amazon.awssdk.core.stages.ApiCallTimeoutTrackingStage.execute\n",
            AccessDeniedError,
        ),
        ("UnknownStoreException: `s3a://b/': Bucket does not exist", InputNotFoundError),
        (
            "ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: "
            "The executor with id 2 exited with exit code 137(SIGKILL, possible container OOM).",
            OutOfMemoryError,
        ),
        (
            "Lost task 0.3 in stage 2.0: org.apache.spark.SparkException: Python worker exited "
            "unexpectedly (crashed). Caused by: java.io.EOFException",
            OutOfMemoryError,
        ),
        (
            ": org.apache.spark.sql.delta.DeltaFileNotFoundException: "
            "[DELTA_TRUNCATED_TRANSACTION_LOG] s3a://b/out/features/_delta_log/00000000000000000000"
            ".json: Unable to reconstruct state at version 1",
            DamagedTableError,
        ),
        (
            "[DELTA_TABLE_NOT_FOUND] Delta table `s3a://b/out/quarantine` doesn't exist.",
            DamagedTableError,
        ),
        (
            "[DELTA_VERSIONS_NOT_CONTIGUOUS] Versions (0, 2) are not contiguous.",
            DamagedTableError,
        ),
        (
            "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file "
            "s3a://b/features/features/part-00000-4ef9.snappy.parquet. File does not exist.",
            DamagedTableError,
        ),
        ("java.lang.OutOfMemoryError: Java heap space", OutOfMemoryError),
        ("Answer from Java side is empty", OutOfMemoryError),
        ("Error while sending or receiving", OutOfMemoryError),
        ("job.errors.WeightsError: weights are of another network; fix: name others", WeightsError),
    ],
)
def test_failures_become_job_errors(text: str, kind: type[Exception]) -> None:
    assert type(as_job_error(PySparkException(text), "s3a://b")) is kind


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("exited with exit code 137(SIGKILL, possible container OOM)", "executor.memoryOverhead"),
        ("Python worker exited unexpectedly (crashed)", "executor.memoryOverhead"),
        ("exited with exit code 52", "executor.memory or"),
        ("[Errno 111] Connection refused", "driver.memoryOverhead"),
    ],
)
def test_an_out_of_memory_error_names_the_setting_to_raise(text: str, setting: str) -> None:
    assert f"raise {setting}" in str(as_job_error(PySparkException(text), "s3a://b"))


def test_the_message_has_the_java_exception_not_the_py4j_call() -> None:
    text = "An error occurred while calling o1.f.\n: S3Exception: denied (Status Code: 403)\n\tat x"
    assert "S3Exception: denied" in str(as_job_error(PySparkException(text), "s3a://b"))


def test_an_unknown_host_error_names_path_style() -> None:
    message = str(
        as_job_error(Py4JError(": java.net.UnknownHostException: fruits.s3.local"), "s3a://b")
    )
    assert "UnknownHostException: fruits.s3.local; " in message
    assert "set fs.s3a.path.style.access=true" in message


def test_the_message_has_the_last_line_of_a_python_worker() -> None:
    stack = "Traceback (most recent call last):\n  File x, line 1\nImportError: no libfoo.so\n"
    message = cause(
        PythonException(f"\n  An exception was thrown from the Python worker.\n{stack}")
    )
    assert message == "ImportError: no libfoo.so"


def test_other_failures_have_no_job_error() -> None:
    assert as_job_error(PySparkException("division by zero"), "s3a://b") is None


def test_a_missing_file_of_the_projection_is_not_a_damaged_table() -> None:
    text = "[FAILED_READ_FILE.FILE_NOT_EXIST] s3a://b/features/projection/part-0.parquet is gone"
    assert as_job_error(PySparkException(text), "s3a://b/features") is None
