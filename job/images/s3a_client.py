"""S3 through the client of s3a itself, so that all fs.s3a settings apply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from job.errors import AccessDeniedError
from job.images.storage import (
    ObjectBytes,
    Page,
    StoredObject,
    TransientError,
    error_from_response,
)

_S3_EXCEPTION = "software.amazon.awssdk.awscore.exception.AwsServiceException"
_INVALID_OBJECT_STATE = "software.amazon.awssdk.services.s3.model.InvalidObjectStateException"
_NO_CREDENTIALS = re.compile(
    r"NoAwsCredentials|NoAuthWithAWS|CredentialInitialization|Unable to load credentials"
)
_BUCKET_MISSING = re.compile(r"UnknownStoreException")

# One call to the JVM returns a whole page as text; a call per field takes 2 ms per object.
_OBJECT_TEXT = re.compile(
    r"S3Object\(Key=(?P<key>.*?), LastModified=(?P<time>[0-9T:.\-]+Z),"
    r" ETag=(?P<etag>\"?[^,\"]*\"?),"
    r"(?: ChecksumAlgorithm=\[[^\]]*\],)?(?: ChecksumType=\w+,)? Size=(?P<size>\d+), StorageClass=",
    re.DOTALL,
)


class S3AClient:
    """Lists and reads objects by their exact keys, on the driver.

    Serves settings that the concurrent reader does not support, and objects that Spark's binaryFile
    did not read. A Hadoop path cannot hold every key (`a//b`); this client takes any key.
    """

    def __init__(self, spark: SparkSession) -> None:
        assert spark.sparkContext._jvm is not None
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration = spark.sparkContext._jsc.hadoopConfiguration()

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page (at most 1,000 keys) of the keys that begin with `prefix`.

        Raises BucketNotFoundError, ForbiddenError, TransientError.
        """
        with _translate_errors():
            # XML cannot hold every key; this encoding can, and the SDK decodes it.
            request = self._model("ListObjectsV2Request").builder().encodingType("url")
            request = request.bucket(bucket).prefix(prefix)
            if delimiter:
                request = request.delimiter("/")
            if token:
                request = request.continuationToken(token)
            response = self._client(bucket).listObjectsV2(request.build())
            folders = [folder.prefix() for folder in response.commonPrefixes()]
            objects = self._stored_objects(bucket, response.contents())
            return Page(objects, folders, response.nextContinuationToken())

    def get(self, bucket: str, key: str, max_bytes: int) -> ObjectBytes:
        """The object and its bytes, of one version; no bytes if it is longer than `max_bytes`.

        Raises ObjectNotFoundError, ForbiddenError, BucketNotFoundError, TransientError.
        """
        with _translate_errors():
            request = self._model("GetObjectRequest").builder().bucket(bucket).key(key).build()
            stream = self._client(bucket).getObject(request)
            response = stream.response()
            version = StoredObject(
                f"s3a://{bucket}/{key}",
                response.contentLength(),
                _strip_quotes(response.eTag()),
                _time(response.lastModified().toString()),
            )
            if version.length > max_bytes:
                stream.abort()
                return ObjectBytes(version, None)
            data = bytes(stream.readAllBytes())
            stream.close()
            return ObjectBytes(version, data)

    def _client(self, bucket: str) -> Any:
        # FileSystem.get returns the cached instance of this bucket that Spark uses too.
        uri = self._jvm.java.net.URI(f"s3a://{bucket}/")
        file_system = self._jvm.org.apache.hadoop.fs.FileSystem.get(uri, self._configuration)
        return file_system.getS3AInternals().getAmazonS3Client("image-features")

    def _model(self, name: str) -> Any:
        return getattr(self._jvm.software.amazon.awssdk.services.s3.model, name)

    def _stored_objects(self, bucket: str, contents: Any) -> list[StoredObject]:
        count = contents.size()
        matches = list(_OBJECT_TEXT.finditer(contents.toString())) if count else []
        if len(matches) != count:
            # A key looks like this text itself: read each field.
            return [
                _stored_object(bucket, o.key(), o.size(), o.eTag(), str(o.lastModified()))
                for o in contents
            ]
        return [
            _stored_object(bucket, m["key"], int(m["size"]), m["etag"], m["time"]) for m in matches
        ]


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise the errors of job.images.storage for those of the SDK and s3a."""
    try:
        yield
    except Py4JJavaError as error:
        raise _error_from_java(error.java_exception) from error


def _error_from_java(thrown: Any) -> Exception:
    cause = thrown
    while cause is not None:
        if _is_instance(cause, _S3_EXCEPTION):
            details = cause.awsErrorDetails()
            code = details.errorCode() if details is not None else None
            return error_from_response(
                code, cause.statusCode(), str(cause.getMessage()), _storage_class(cause)
            )
        cause = cause.getCause()
    text = str(thrown.toString())
    if _BUCKET_MISSING.search(text):
        return error_from_response("NoSuchBucket", 404, text)
    if _NO_CREDENTIALS.search(text):
        return AccessDeniedError(
            f"no credentials for S3: {text.splitlines()[0][:300]}",
            expected="those of fs.s3a.aws.credentials.provider",
            fix="check the fs.s3a settings and AWS_* variables of the driver",
        )
    return TransientError(text.splitlines()[0][:300])


def _storage_class(thrown: Any) -> str | None:
    is_archived = _is_instance(thrown, _INVALID_OBJECT_STATE)
    return thrown.storageClassAsString() if is_archived else None


def _is_instance(java_object: Any, class_name: str) -> bool:
    java_class = java_object.getClass()
    while java_class is not None:
        if java_class.getName() == class_name:
            return True
        java_class = java_class.getSuperclass()
    return False


def _stored_object(bucket: str, key: str, length: int, etag: str | None, time: str) -> StoredObject:
    return StoredObject(f"s3a://{bucket}/{key}", length, _strip_quotes(etag), _time(time))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _strip_quotes(etag: str | None) -> str | None:
    return etag.strip('"') if etag and etag != "null" else None
