"""S3 through the client that s3a itself has made: whatever s3a is set to, this reaches the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from job.errors import AccessDeniedError
from job.images.storage import ObjectBytes, Page, PassingError, StoredObject, refusal

_S3_EXCEPTION = "software.amazon.awssdk.awscore.exception.AwsServiceException"
_NO_CREDENTIALS = re.compile(
    r"NoAwsCredentials|NoAuthWithAWS|CredentialInitialization|Unable to load credentials"
)
_BUCKET_MISSING = re.compile(r"UnknownStoreException")

# One call to the JVM tells a whole page; one for each field takes 2 ms an object.
_OBJECT_TEXT = re.compile(
    r"S3Object\(Key=(?P<key>.*?), LastModified=(?P<time>[0-9T:.\-]+Z),"
    r" ETag=(?P<etag>\"?[^,\"]*\"?),"
    r"(?: ChecksumAlgorithm=\[[^\]]*\],)?(?: ChecksumType=\w+,)? Size=(?P<size>\d+), StorageClass=",
    re.DOTALL,
)


class HadoopObjects:
    """Lists and reads objects from the driver by their exact keys, as S3Objects does on workers.

    For what the concurrent reader cannot do: settings that it cannot honour, and what Spark's
    binaryFile left unread. A path of Hadoop cannot hold every key (`a//b`); this can.
    """

    def __init__(self, spark: SparkSession) -> None:
        assert spark.sparkContext._jvm is not None
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration = spark.sparkContext._jsc.hadoopConfiguration()

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page (at most 1,000 keys) of what begins with `prefix`.

        Raises BucketMissingError, ForbiddenError, PassingError.
        """
        with _translated():
            # XML cannot hold every key; this encoding can, and the SDK decodes it.
            request = self._model("ListObjectsV2Request").builder().encodingType("url")
            request = request.bucket(bucket).prefix(prefix)
            if delimiter:
                request = request.delimiter("/")
            if token:
                request = request.continuationToken(token)
            answer = self._client(bucket).listObjectsV2(request.build())
            folders = [folder.prefix() for folder in answer.commonPrefixes()]
            return Page(
                self._listed(bucket, answer.contents()), folders, answer.nextContinuationToken()
            )

    def get(self, bucket: str, key: str, largest: int) -> ObjectBytes:
        """The object and its bytes, of one version; without bytes if longer than `largest`.

        Raises VanishedError, ForbiddenError, BucketMissingError, PassingError.
        """
        with _translated():
            request = self._model("GetObjectRequest").builder().bucket(bucket).key(key).build()
            stream = self._client(bucket).getObject(request)
            answer = stream.response()
            version = StoredObject(
                f"s3a://{bucket}/{key}",
                answer.contentLength(),
                _unquoted(answer.eTag()),
                _time(answer.lastModified().toString()),
            )
            if version.length > largest:
                stream.abort()
                return ObjectBytes(version, None)
            data = bytes(stream.readAllBytes())
            stream.close()
            return ObjectBytes(version, data)

    def _client(self, bucket: str) -> Any:
        # FileSystem.get returns the one instance of this bucket that Spark uses too.
        uri = self._jvm.java.net.URI(f"s3a://{bucket}/")
        file_system = self._jvm.org.apache.hadoop.fs.FileSystem.get(uri, self._configuration)
        return file_system.getS3AInternals().getAmazonS3Client("image-features")

    def _model(self, name: str) -> Any:
        return getattr(self._jvm.software.amazon.awssdk.services.s3.model, name)

    def _listed(self, bucket: str, contents: Any) -> list[StoredObject]:
        count = contents.size()
        found = list(_OBJECT_TEXT.finditer(contents.toString())) if count else []
        if len(found) != count:
            # A key that looks like this text itself: ask for each field.
            return [
                _stored(bucket, o.key(), o.size(), o.eTag(), str(o.lastModified()))
                for o in contents
            ]
        return [_stored(bucket, m["key"], int(m["size"]), m["etag"], m["time"]) for m in found]


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what the SDK and s3a raise in the words of this room."""
    try:
        yield
    except Py4JJavaError as error:
        raise _refusal(error.java_exception) from error


def _refusal(thrown: Any) -> Exception:
    cause = thrown
    while cause is not None:
        if _is(cause, _S3_EXCEPTION):
            details = cause.awsErrorDetails()
            code = details.errorCode() if details is not None else None
            return refusal(code, cause.statusCode(), str(cause.getMessage()))
        cause = cause.getCause()
    text = str(thrown.toString())
    if _BUCKET_MISSING.search(text):
        return refusal("NoSuchBucket", 404, text)
    if _NO_CREDENTIALS.search(text):
        return AccessDeniedError(
            f"no credentials for S3: {text.splitlines()[0][:300]}",
            expected="what fs.s3a.aws.credentials.provider names",
            fix="check the fs.s3a settings and AWS_* variables of the driver",
        )
    return PassingError(text.splitlines()[0][:300])


def _is(thing: Any, class_name: str) -> bool:
    kind = thing.getClass()
    while kind is not None:
        if kind.getName() == class_name:
            return True
        kind = kind.getSuperclass()
    return False


def _stored(bucket: str, key: str, length: int, etag: str | None, time: str) -> StoredObject:
    return StoredObject(f"s3a://{bucket}/{key}", length, _unquoted(etag), _time(time))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _unquoted(etag: str | None) -> str | None:
    return etag.strip('"') if etag and etag != "null" else None
