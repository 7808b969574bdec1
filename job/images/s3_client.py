"""S3 for the concurrent reader: obstore fetches; botocore lists, writes, knows the credentials."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
    PassingError,
    StoredObject,
    refusal,
)
from job.paths import has_plain_key

CONNECT_SECONDS = 5
# Without a byte for this long a request has failed.
READ_SECONDS = 30
# obstore asks again when less than five minutes are left: about every five minutes.
_CREDENTIALS_LAST = timedelta(minutes=10)
# Many requests find out together that a token has expired; one renewal serves them all.
_LEAST_SECONDS_BETWEEN_RENEWALS = 5.0

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


@dataclass
class S3Objects:
    """Objects by their exact keys; one per process, safe for many threads."""

    settings: StoreSettings
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _made: dict[str, Any] = field(default_factory=dict)
    _renewed: float = 0.0

    def page(
        self, bucket: str, prefix: str, *, delimiter: bool = False, token: str | None = None
    ) -> Page:
        """One page (at most 1,000 keys) of what begins with `prefix`.

        Raises BucketMissingError, ForbiddenError, PassingError.
        """
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        if delimiter:
            request["Delimiter"] = "/"
        if token:
            request["ContinuationToken"] = token
        with self._translated():
            answer = self._client().list_objects_v2(**request)
        return Page(
            [_listed(bucket, entry) for entry in answer.get("Contents", ())],
            [folder["Prefix"] for folder in answer.get("CommonPrefixes", ())],
            answer.get("NextContinuationToken"),
        )

    def get(self, bucket: str, key: str, largest: int) -> ObjectBytes:
        """The object and its bytes in one GET; without bytes if longer than `largest`.

        Raises VanishedError, ForbiddenError, BucketMissingError, PassingError.
        """
        path = f"s3a://{bucket}/{key}"
        with self._translated():
            if not has_plain_key(path):
                return self._get_by_exact_key(bucket, key, largest)
            answer = obstore.get(self._store(bucket), key)
            meta = answer.meta
            version = StoredObject(
                path,
                meta["size"],
                _unquoted(meta["e_tag"]),
                meta["last_modified"].replace(microsecond=0),
            )
            fits = version.length <= largest
            return ObjectBytes(version, bytes(answer.bytes()) if fits else None)

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write an object. Raises ForbiddenError, BucketMissingError, PassingError."""
        with self._translated():
            self._client().put_object(Bucket=bucket, Key=key, Body=data)

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str) -> None:
        """Let the store copy an object of at most 5 GB, with its metadata. Raises as `get` does."""
        source = {"Bucket": bucket, "Key": key}
        with self._translated():
            self._client().copy_object(Bucket=to_bucket, Key=to_key, CopySource=source)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, if it is there. Raises ForbiddenError, PassingError."""
        with self._translated():
            self._client().delete_object(Bucket=bucket, Key=key)

    def region_of(self, bucket: str) -> str:
        """The region that the store says a bucket is in; AWS says it of those of others too."""
        try:
            headers = self._client().head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        except ClientError as error:
            # A refusal names the region as well.
            headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        return str(headers.get("x-amz-bucket-region", "us-east-1"))

    def _get_by_exact_key(self, bucket: str, key: str, largest: int) -> ObjectBytes:
        answer = self._client().get_object(Bucket=bucket, Key=key)
        version = StoredObject(
            f"s3a://{bucket}/{key}",
            answer["ContentLength"],
            _unquoted(answer.get("ETag")),
            parsedate_to_datetime(answer["LastModified"]),
        )
        with answer["Body"] as body:
            return ObjectBytes(version, body.read() if version.length <= largest else None)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise what obstore and botocore raise in the words of this room; renew what expired."""
        try:
            yield
        except FileNotFoundError as error:
            raise _obstore_refusal(error, 404) from error
        except PermissionDeniedError as error:
            failure = _obstore_refusal(error, 403)
            self._renew_if_refused(failure)
            raise failure from error
        except BaseError as error:
            failure = _obstore_refusal(error, None)
            self._renew_if_refused(failure)
            raise failure from error
        except ClientError as error:
            failure = _botocore_refusal(error)
            self._renew_if_refused(failure)
            raise failure from error
        except PartialCredentialsError as error:
            raise _no_credentials(str(error)) from error
        except BotoCoreError as error:
            raise PassingError(str(error)) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise _panic(error) from None

    def _renew_if_refused(self, failure: Exception) -> None:
        """Forget clients and credentials after a refusal: a token file may be newer."""
        with self._lock:
            now = time.monotonic()
            if (
                isinstance(failure, CredentialsRefusedError)
                and now > self._renewed + _LEAST_SECONDS_BETWEEN_RENEWALS
            ):
                self._renewed = now
                self._made.clear()

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def _session(self) -> Any:
        return self._once("session", lambda: session_of(self.settings))

    def _client(self) -> Any:
        return self._once("client", lambda: _client(self._session(), self.settings))

    def _store(self, bucket: str) -> S3Store:
        store: S3Store = self._once(f"store {bucket}", lambda: self._open(bucket))
        return store

    def _open(self, bucket: str) -> S3Store:
        region = self.settings.region or self.region_of(bucket)
        return open_store(self.settings, bucket, region, self._session())


def open_store(settings: StoreSettings, bucket: str, region: str, session: Any) -> S3Store:
    """The obstore client of one bucket.

    Every value that obstore would else take from AWS_* variables is given: those variables do
    not count for s3a either.
    """
    endpoint = settings.endpoint or f"https://s3.{region}.amazonaws.com{_dns_suffix(region)}"
    by_path = settings.by_path(bucket)
    if not by_path:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{bucket}.{host}"
    anonymous = settings.credentials == (ANONYMOUS,)
    return S3Store(
        bucket,
        endpoint=endpoint,
        aws_endpoint_url_s3=endpoint,
        region=region,
        virtual_hosted_style_request=not by_path,
        skip_signature=anonymous,
        request_payer=False,
        s3_express=False,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=READ_SECONDS),
            # 100 MB over a slow line take minutes; what stalls is read_timeout's.
            "timeout": timedelta(minutes=10),
        },
        # One place retries: job.images.storage.retrying, which can renew credentials in between.
        retry_config={"max_retries": 0},
        credential_provider=None if anonymous else _provider(session.get_credentials()),
    )


def session_of(settings: StoreSettings) -> Any:
    """A botocore session with the credentials of `settings` and no others.

    Raises AccessDeniedError if none of the kinds has any.
    """
    session = botocore.session.Session()
    if settings.region:
        session.set_config_variable("region", settings.region)
    # Times as text: botocore's own parser takes four fifths of the time of a listing.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    if settings.credentials == (ANONYMOUS,):
        return session
    known = {
        provider.METHOD: provider for provider in create_credential_resolver(session).providers
    }
    chosen = [known[kind] for kind in settings.credentials if kind in known]
    session.register_component("credential_provider", CredentialResolver(chosen))
    try:
        found = session.get_credentials()
    except CredentialRetrievalError as error:
        raise PassingError(str(error)) from error
    except ClientError as error:
        failure = _botocore_refusal(error)
        raise (
            failure if isinstance(failure, PassingError) else _no_credentials(str(error))
        ) from error
    if found is None:
        raise _no_credentials(f"none found ({', '.join(settings.credentials)})")
    return session


def _client(session: Any, settings: StoreSettings) -> Any:
    config = Config(
        signature_version=UNSIGNED if settings.credentials == (ANONYMOUS,) else None,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
        s3={"addressing_style": "path" if settings.path_style else "virtual"},
        # AWS_ENDPOINT_URL does not count for s3a either.
        ignore_configured_endpoint_urls=True,
        # Stores that are not AWS's know no checksums in trailers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.create_client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region or "us-east-1",
        config=config,
    )


def _provider(credentials: Any) -> Callable[[], Any]:
    """What obstore calls for credentials; botocore refreshes those that end."""

    def provide() -> dict[str, Any]:
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_LAST,
        }

    return provide


def _listed(bucket: str, entry: dict[str, Any]) -> StoredObject:
    return StoredObject(
        f"s3a://{bucket}/{entry['Key']}",
        entry["Size"],
        _unquoted(entry.get("ETag")),
        _time(entry["LastModified"]),
    )


def _time(text: str) -> datetime:
    """To the second, as S3 itself keeps it: a GET cannot tell more."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _unquoted(etag: str | None) -> str | None:
    return etag.strip('"') if etag else None


def _dns_suffix(region: str) -> str:
    return ".cn" if region.startswith("cn-") else ""


def _obstore_refusal(error: Exception, status: int | None) -> Exception:
    # The text before "Debug source" is the answer; what follows is a dump with the same in it.
    text = str(error).partition("\n\nDebug source")[0]
    code, told = _CODE.search(text), _STATUS.search(text)
    status = int(told[1]) if told else status
    return refusal(code[1] if code else None, status, " ".join(text.split())[:300])


def _botocore_refusal(error: ClientError) -> Exception:
    if error.operation_name.startswith("AssumeRole"):
        # Credentials are renewed in the middle of a request: it says nothing of the object.
        return PassingError(str(error))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return refusal(error.response.get("Error", {}).get("Code"), status, str(error))


def _panic(error: BaseException) -> InvalidValueError:
    """What obstore's Rust gives up on, such as a host that is none; it is no Exception."""
    return InvalidValueError(
        f"the concurrent reader failed: {error}",
        expected="an address such as https://s3.local:8333",
        fix="check fs.s3a.endpoint and fs.s3a.path.style.access; --reader s3a reads another way",
    )


def _no_credentials(why: str) -> AccessDeniedError:
    return AccessDeniedError(
        f"no credentials for S3: {why}",
        expected="what fs.s3a.aws.credentials.provider names, on the driver and on each executor",
        fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY there, or give the pods a role",
    )
