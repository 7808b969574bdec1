"""S3 client of the concurrent reader: obstore fetches, botocore lists, writes and signs in."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import botocore.session
import obstore
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import CredentialResolver, create_credential_resolver
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    PartialCredentialsError,
)
from obstore.exceptions import BaseError, PermissionDeniedError
from obstore.store import S3Store

from job.errors import AccessDeniedError, InvalidValueError
from job.images.s3a_config import ANONYMOUS, StoreSettings
from job.images.storage import (
    CredentialsRefusedError,
    ObjectBytes,
    Page,
    StoredObject,
    TransientError,
    error_from_response,
)
from job.paths import has_plain_key

CONNECT_SECONDS = 5
# A request fails after this long without a byte.
READ_SECONDS = 30
# obstore renews credentials when less than five minutes are left: about every five minutes.
_CREDENTIALS_LIFETIME = timedelta(minutes=10)
# Many requests fail at the same time when a token expires; one renewal serves them all.
_MIN_SECONDS_BETWEEN_RENEWALS = 5.0

_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_STORAGE_CLASS = re.compile(r"<StorageClass>(\w+)</StorageClass>")
_STATUS = re.compile(r"status code: (\d{3})")


@dataclass
class S3Client:
    """Reads and writes objects by their exact keys; one per process, thread-safe."""

    settings: StoreSettings
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _cache: dict[str, Any] = field(default_factory=dict)
    _renewed_at: float = 0.0

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page (at most 1,000 keys) of the keys that begin with `prefix`.

        Raises BucketNotFoundError, ForbiddenError, TransientError.
        """
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        if delimiter:
            request["Delimiter"] = "/"
        if token:
            request["ContinuationToken"] = token
        with self._translate_errors():
            response = self._client().list_objects_v2(**request)
        return Page(
            [_stored_object(bucket, entry) for entry in response.get("Contents", ())],
            [folder["Prefix"] for folder in response.get("CommonPrefixes", ())],
            response.get("NextContinuationToken"),
        )

    def get(self, bucket: str, key: str, max_bytes: int) -> ObjectBytes:
        """The object and its bytes in one GET; no bytes if it is longer than `max_bytes`.

        Raises ObjectNotFoundError, ForbiddenError, BucketNotFoundError, TransientError.
        """
        path = f"s3a://{bucket}/{key}"
        with self._translate_errors():
            if not has_plain_key(path):
                return self._get_by_exact_key(bucket, key, max_bytes)
            response = obstore.get(self._store(bucket), key)
            meta = response.meta
            version = StoredObject(
                path,
                meta["size"],
                _strip_quotes(meta["e_tag"]),
                meta["last_modified"].replace(microsecond=0),
            )
            fits = version.length <= max_bytes
            return ObjectBytes(version, bytes(response.bytes()) if fits else None)

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write an object. Raises ForbiddenError, BucketNotFoundError, TransientError."""
        with self._translate_errors():
            self._client().put_object(Bucket=bucket, Key=key, Body=data)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Copy an object of at most 5 GB and its metadata within S3. Raises the errors of `get`."""
        source = {"Bucket": bucket, "Key": key}
        with self._translate_errors():
            self._client().copy_object(Bucket=to_bucket, Key=to_key, CopySource=source)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object if it exists. Raises ForbiddenError, TransientError."""
        with self._translate_errors():
            self._client().delete_object(Bucket=bucket, Key=key)

    def region_of(self, bucket: str) -> str:
        """The region of a bucket as the store reports it; AWS does for buckets of any account."""
        try:
            headers = self._client().head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as error:
            # An error response names the region as well.
            headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        return str(headers.get("x-amz-bucket-region", "us-east-1"))

    def _get_by_exact_key(self, bucket: str, key: str, max_bytes: int) -> ObjectBytes:
        response = self._client().get_object(Bucket=bucket, Key=key)
        version = StoredObject(
            f"s3a://{bucket}/{key}",
            response["ContentLength"],
            _strip_quotes(response.get("ETag")),
            parsedate_to_datetime(response["LastModified"]),
        )
        with response["Body"] as body:
            return ObjectBytes(version, body.read() if version.length <= max_bytes else None)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise the errors of job.images.storage; forget refused credentials."""
        try:
            yield
        except FileNotFoundError as error:
            raise _obstore_error(error, 404) from error
        except PermissionDeniedError as error:
            failure = _obstore_error(error, 403)
            self._forget_refused_credentials(failure)
            raise failure from error
        except BaseError as error:
            failure = _obstore_error(error, None)
            self._forget_refused_credentials(failure)
            raise failure from error
        except ClientError as error:
            failure = _botocore_error(error)
            self._forget_refused_credentials(failure)
            raise failure from error
        except PartialCredentialsError as error:
            raise _no_credentials_error(str(error)) from error
        except BotoCoreError as error:
            raise TransientError(str(error)) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise _panic_error(error) from None

    def _forget_refused_credentials(self, failure: Exception) -> None:
        """Forget clients and credentials if S3 refused them: the token file may be newer."""
        with self._lock:
            now = time.monotonic()
            if (
                isinstance(failure, CredentialsRefusedError)
                and now > self._renewed_at + _MIN_SECONDS_BETWEEN_RENEWALS
            ):
                self._renewed_at = now
                self._cache.clear()

    def _cached(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name not in self._cache:
                self._cache[name] = make()
            return self._cache[name]

    def _session(self) -> Any:
        return self._cached("session", lambda: create_session(self.settings))

    def _client(self) -> Any:
        return self._cached("client", lambda: _client(self._session(), self.settings))

    def _store(self, bucket: str) -> S3Store:
        store: S3Store = self._cached(f"store {bucket}", lambda: self._open(bucket))
        return store

    def _open(self, bucket: str) -> S3Store:
        region = self.settings.region or self.region_of(bucket)
        return open_store(self.settings, bucket, region, self._session())


def open_store(settings: StoreSettings, bucket: str, region: str, session: Any) -> S3Store:
    """The obstore client of one bucket.

    Sets every value that obstore would otherwise take from AWS_* variables: s3a ignores those
    variables too.
    """
    endpoint = settings.endpoint or _aws_endpoint(session, settings, region)
    path_style = settings.uses_path_style(bucket)
    if not path_style:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{bucket}.{host}"
    anonymous = settings.credentials == (ANONYMOUS,)
    return S3Store(
        bucket,
        endpoint=endpoint,
        aws_endpoint_url_s3=endpoint,
        region=region,
        virtual_hosted_style_request=not path_style,
        skip_signature=anonymous,
        request_payer=settings.requester_pays,
        s3_express=False,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=READ_SECONDS),
            # 100 MB over a slow line take minutes; read_timeout ends stalled requests.
            "timeout": timedelta(minutes=10),
        },
        # Only job.images.storage.retry_transient retries: it can renew credentials in between.
        retry_config={"max_retries": 0},
        credential_provider=None if anonymous else _credential_provider(session.get_credentials()),
    )


def create_session(settings: StoreSettings) -> Any:
    """A botocore session that uses only the kinds of credentials of `settings`.

    Raises AccessDeniedError if none of the kinds has any.
    """
    session = botocore.session.Session()
    if settings.region:
        session.set_config_variable("region", settings.region)
    # Keep times as text: parsing them takes botocore four fifths of the time of a listing.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    if settings.credentials == (ANONYMOUS,):
        return session
    known = {
        provider.METHOD: provider for provider in create_credential_resolver(session).providers
    }
    chosen = [known[kind] for kind in settings.credentials if kind in known]
    session.register_component("credential_provider", CredentialResolver(chosen))
    try:
        credentials = session.get_credentials()
    except CredentialRetrievalError as error:
        raise TransientError(str(error)) from error
    except ClientError as error:
        failure = _botocore_error(error)
        raise (
            failure if isinstance(failure, TransientError) else _no_credentials_error(str(error))
        ) from error
    if credentials is None:
        raise _no_credentials_error(f"none found ({', '.join(settings.credentials)})")
    return session


def _client(session: Any, settings: StoreSettings) -> Any:
    config = Config(
        signature_version=UNSIGNED if settings.credentials == (ANONYMOUS,) else None,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
        s3={"addressing_style": "path" if settings.path_style else "virtual"},
        # s3a ignores AWS_ENDPOINT_URL too.
        ignore_configured_endpoint_urls=True,
        # Stores other than AWS do not support checksums in trailers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client = session.create_client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region or "us-east-1",
        config=config,
    )
    if settings.requester_pays:
        client.meta.events.register("before-call.s3", _add_requester_pays)
    return client


def _add_requester_pays(params: dict[str, Any], **_: Any) -> None:
    params["headers"]["x-amz-request-payer"] = "requester"


def _credential_provider(credentials: Any) -> Callable[[], Any]:
    """The function that obstore calls for credentials; botocore refreshes them when they expire."""

    def provide() -> dict[str, Any]:
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_LIFETIME,
        }

    return provide


def _stored_object(bucket: str, entry: dict[str, Any]) -> StoredObject:
    return StoredObject(
        f"s3a://{bucket}/{entry['Key']}",
        entry["Size"],
        _strip_quotes(entry.get("ETag")),
        _time(entry["LastModified"]),
    )


def _time(text: str) -> datetime:
    """The time to the second: a GET response has no finer time."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _strip_quotes(etag: str | None) -> str | None:
    return etag.strip('"') if etag else None


def _aws_endpoint(session: Any, settings: StoreSettings, region: str) -> str:
    """The URL of S3 in a region of AWS, whatever its partition."""
    return str(_client(session, replace(settings, region=region)).meta.endpoint_url)


def _obstore_error(error: Exception, status: int | None) -> Exception:
    # The text before "Debug source" is the response; a debug dump of the same follows.
    text = str(error).partition("\n\nDebug source")[0]
    found_status = _first_group(_STATUS, text)
    return error_from_response(
        _first_group(_CODE, text),
        int(found_status) if found_status else status,
        " ".join(text.split())[:300],
        _first_group(_STORAGE_CLASS, text),
    )


def _first_group(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def _botocore_error(error: ClientError) -> Exception:
    if error.operation_name.startswith("AssumeRole"):
        # Renewing the credentials failed: the error is not about the object.
        return TransientError(str(error))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    details = error.response.get("Error", {})
    return error_from_response(details.get("Code"), status, str(error), details.get("StorageClass"))


def _panic_error(error: BaseException) -> InvalidValueError:
    """The error for a panic in obstore's Rust code, such as on an invalid host name."""
    return InvalidValueError(
        f"the concurrent reader failed: {error}",
        expected="an address such as https://s3.local:8333",
        fix="check fs.s3a.endpoint and fs.s3a.path.style.access, or use --reader s3a",
    )


def _no_credentials_error(why: str) -> AccessDeniedError:
    return AccessDeniedError(
        f"no credentials for S3: {why}",
        expected="those of fs.s3a.aws.credentials.provider, on the driver and on each executor",
        fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY there, or give the pods a role",
    )
