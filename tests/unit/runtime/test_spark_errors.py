"""What the user reads about failures of Spark and its storage."""

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
            # Every request of the client passes a stage whose name has a time-out in it.
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
def test_failures_are_named_by_the_fact(text: str, kind: type[Exception]) -> None:
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
def test_who_runs_out_of_memory_learns_which_setting_to_raise(text: str, setting: str) -> None:
    assert f"raise {setting}" in str(as_job_error(PySparkException(text), "s3a://b"))


def test_what_java_threw_is_told_and_not_that_it_was_called() -> None:
    text = "An error occurred while calling o1.f.\n: S3Exception: denied (Status Code: 403)\n\tat x"
    assert "S3Exception: denied" in str(as_job_error(PySparkException(text), "s3a://b"))


def test_who_has_buckets_without_hosts_learns_which_setting_to_set() -> None:
    told = str(
        as_job_error(Py4JError(": java.net.UnknownHostException: fruits.s3.local"), "s3a://b")
    )
    assert "UnknownHostException: fruits.s3.local; " in told
    assert "set fs.s3a.path.style.access=true" in told


def test_of_a_python_worker_the_last_line_is_told() -> None:
    stack = "Traceback (most recent call last):\n  File x, line 1\nImportError: no libfoo.so\n"
    told = cause(PythonException(f"\n  An exception was thrown from the Python worker.\n{stack}"))
    assert told == "ImportError: no libfoo.so"


def test_a_failure_that_is_not_of_storage_stays_itself() -> None:
    assert as_job_error(PySparkException("division by zero"), "s3a://b") is None


def test_a_lost_file_of_the_projection_is_none_of_a_table_whatever_the_output_is_called() -> None:
    text = "[FAILED_READ_FILE.FILE_NOT_EXIST] s3a://b/features/projection/part-0.parquet is gone"
    assert as_job_error(PySparkException(text), "s3a://b/features") is None
