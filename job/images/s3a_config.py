"""Translates fs.s3a settings for the concurrent reader: one configuration serves both readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from job import s3_address
from job.errors import UnmappableSettingError
from job.regions import aws_region_of

_HADOOP = "spark.hadoop."
_PREFIX = "fs.s3a."
_KEY_STORE = "hadoop.security.credential.provider.path"
_PROVIDERS = _PREFIX + "aws.credentials.provider"
_ENDPOINT = _PREFIX + "endpoint"
_REGION = _PREFIX + "endpoint.region"

# Kinds of credentials: the names of botocore's providers.
ENVIRONMENT = "env"
WEB_IDENTITY = "assume-role-with-web-identity"
CONTAINER = "container-role"
INSTANCE = "iam-role"
ANONYMOUS = "anonymous"
PROFILE = ("assume-role", "sso", "shared-credentials-file", "custom-process", "config-file")

_SDK = "software.amazon.awssdk.auth.credentials."
_KINDS: dict[str, tuple[str, ...]] = {
    _SDK + "EnvironmentVariableCredentialsProvider": (ENVIRONMENT,),
    _SDK + "WebIdentityTokenFileCredentialsProvider": (WEB_IDENTITY,),
    _SDK + "ContainerCredentialsProvider": (CONTAINER,),
    _SDK + "InstanceProfileCredentialsProvider": (INSTANCE,),
    _SDK + "ProfileCredentialsProvider": PROFILE,
    _SDK + "AnonymousCredentialsProvider": (ANONYMOUS,),
    _SDK + "DefaultCredentialsProvider": (ENVIRONMENT, WEB_IDENTITY, *PROFILE, CONTAINER, INSTANCE),
    "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider": (ANONYMOUS,),
    "org.apache.hadoop.fs.s3a.auth.IAMInstanceCredentialsProvider": (CONTAINER, INSTANCE),
    # Names of the AWS SDK v1; s3a maps them in the same way.
    "com.amazonaws.auth.EnvironmentVariableCredentialsProvider": (ENVIRONMENT,),
    "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper": (CONTAINER, INSTANCE),
    "com.amazonaws.auth.InstanceProfileCredentialsProvider": (CONTAINER, INSTANCE),
    "com.amazonaws.auth.AnonymousAWSCredentials": (ANONYMOUS,),
}
# These two read keys from fs.s3a settings; the values name the settings that each needs.
_FROM_SETTINGS = {
    "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider": ("access.key", "secret.key"),
    "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider": (
        "access.key",
        "secret.key",
        "session.token",
    ),
}
_ENVIRONMENT_NAMES = {
    "access.key": "AWS_ACCESS_KEY_ID",
    "secret.key": "AWS_SECRET_ACCESS_KEY",
    "session.token": "AWS_SESSION_TOKEN",
}
# The default of s3a (core-default.xml of Hadoop 3.4.2).
_DEFAULT_PROVIDERS = ",".join(
    [
        "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        _SDK + "EnvironmentVariableCredentialsProvider",
        "org.apache.hadoop.fs.s3a.auth.IAMInstanceCredentialsProvider",
    ]
)
_UNMAPPABLE = (
    "accesspoint.",
    "assumed.role.arn",
    "bucket.",
    "custom.signers",
    "delegation.token.binding",
    "endpoint.fips",
    "proxy.host",
    "s3.client.factory.impl",
    "security.credential.provider.path",
    "signing-algorithm",
)
# Hadoop's defaults; these settings matter only when changed.
_DEFAULT_VALUES = {
    "accesspoint.required": "false",
    "endpoint.fips": "false",
    "s3.client.factory.impl": "org.apache.hadoop.fs.s3a.DefaultS3ClientFactory",
}


@dataclass(frozen=True)
class StoreSettings:
    """How the concurrent reader reaches S3; picklable, holds no secret.

    `credentials` are the kinds to try, in this order, on the machine that uses them. `endpoint`
    None means AWS. `region` None means the region of the bucket.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False
    credentials: tuple[str, ...] = (ENVIRONMENT, CONTAINER, INSTANCE)
    requester_pays: bool = False

    def uses_path_style(self, bucket: str) -> bool:
        """Whether requests name `bucket` in their path instead of their host."""
        return s3_address.uses_path_style(bucket, self.endpoint or "", self.path_style)


def hadoop_settings(spark: SparkSession) -> dict[str, str]:
    """All effective fs.s3a settings, with the path of the key store if there is one.

    May hold secrets: pass it only to `store_settings`; never log it or send it to a worker.
    """
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    settings = {
        _PREFIX + key: value for key, value in configuration.getPropsWithPrefix(_PREFIX).items()
    }
    key_store = configuration.get(_KEY_STORE)
    return {**settings, _KEY_STORE: key_store} if key_store else settings


def settings_from_spark_conf(
    settings: Mapping[str, str], environ: Mapping[str, str]
) -> StoreSettings:
    """`store_settings` for Spark settings, where no Spark session runs."""
    prefixed = {key: value for key, value in settings.items() if key.startswith(_HADOOP)}
    hadoop_conf = {key.removeprefix(_HADOOP): value for key, value in prefixed.items()}
    return store_settings(hadoop_conf, environ)


def store_settings(hadoop_conf: Mapping[str, str], environ: Mapping[str, str]) -> StoreSettings:
    """The settings that make the concurrent reader reach the same store as s3a with `hadoop_conf`.

    Raises UnmappableSettingError for a setting that would make it reach another store or use
    other credentials than s3a. The error names the key, never a value.
    """
    _require_mappable(hadoop_conf)
    endpoint = endpoint_url(hadoop_conf)
    return StoreSettings(
        endpoint=endpoint,
        region=_region(hadoop_conf, environ, endpoint),
        path_style=_path_style(hadoop_conf, endpoint),
        credentials=_credentials(hadoop_conf, environ),
        requester_pays=_is_true(hadoop_conf, "requester.pays.enabled"),
    )


def _require_mappable(conf: Mapping[str, str]) -> None:
    if conf.get(_KEY_STORE):
        raise _unmappable_error(_KEY_STORE)
    for key, value in sorted(conf.items()):
        name = key.removeprefix(_PREFIX)
        changed = value.strip() not in ("", _DEFAULT_VALUES.get(name, ""))
        if key.startswith(_PREFIX) and name.startswith(_UNMAPPABLE) and changed:
            raise _unmappable_error(key)
    for name in ("encryption.algorithm", "server-side-encryption-algorithm"):
        # Readers take no part in the other kinds: S3 decrypts.
        if conf.get(_PREFIX + name, "").upper().startswith(("SSE-C", "CSE")):
            raise _unmappable_error(_PREFIX + name)


def endpoint_url(conf: Mapping[str, str]) -> str | None:
    """The URL of the store; None for AWS."""
    endpoint = conf.get(_ENDPOINT, "").strip().rstrip("/")
    if not endpoint or endpoint.rpartition("//")[2] == "s3.amazonaws.com":
        return None
    if "://" in endpoint:
        return endpoint
    secure = _is_true(conf, "connection.ssl.enabled", default="true")
    return f"{'https' if secure else 'http'}://{endpoint}"


def _path_style(conf: Mapping[str, str], endpoint: str | None) -> bool:
    is_set = _is_true(conf, "path.style.access")
    return is_set or s3_address.is_ip(urlsplit(endpoint or "").hostname or "")


def _is_true(conf: Mapping[str, str], name: str, default: str = "false") -> bool:
    return conf.get(_PREFIX + name, default).strip().lower() == "true"


def _region(
    conf: Mapping[str, str], environ: Mapping[str, str], endpoint: str | None
) -> str | None:
    region = conf.get(_REGION)
    if region is not None and region.strip() in ("", "sdk"):
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region or endpoint is None:
        return region
    return aws_region_of(urlsplit(endpoint).hostname or "") or "us-east-1"


def _credentials(conf: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, ...]:
    names = [name.strip() for name in (conf.get(_PROVIDERS) or _DEFAULT_PROVIDERS).split(",")]
    kinds: list[str] = []
    for name in filter(None, names):
        if name not in _FROM_SETTINGS:
            if name not in _KINDS:
                raise _unmappable_error(_PROVIDERS, f"{name} has no counterpart")
            kinds += _KINDS[name]
        elif all(conf.get(_PREFIX + key) for key in _FROM_SETTINGS[name]):
            # s3a stops at this provider; so does the concurrent reader.
            _require_same_in_environment(conf, environ, _FROM_SETTINGS[name])
            return (*kinds, ENVIRONMENT)
    if not kinds:
        raise _unmappable_error(_PROVIDERS, "it names no provider that has credentials")
    return tuple(dict.fromkeys(kinds))


def _require_same_in_environment(
    conf: Mapping[str, str], environ: Mapping[str, str], keys: tuple[str, ...]
) -> None:
    """Require the keys of the AWS_* variables, which Spark copies into these settings.

    Workers read them from their own environment; any other key would have to be sent to them.
    """
    for key, variable in _ENVIRONMENT_NAMES.items():
        expected = conf.get(_PREFIX + key, "") if key in keys else ""
        if environ.get(variable, "") != expected:
            raise _unmappable_error(
                _PREFIX + key, f"it differs from {variable}, and secrets stay out of tasks"
            )


def _unmappable_error(
    key: str, why: str = "the concurrent reader has no counterpart"
) -> UnmappableSettingError:
    return UnmappableSettingError(
        f"{key} is set: {why}", fix="the s3a reader is used; --reader s3a omits this line"
    )
