"""Encryption at rest and in transit, and its keys."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import LintContext, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import S3A

_KEY = "encryption.kmsKeyArn"
_BY_KMS = "SSE-KMS"
_CIPHER = "spark.network.crypto.cipher"


def unused_kms_key(context: LintContext) -> Iterator[Finding]:
    """A KMS key is set, and objects are not encrypted with KMS."""
    key, chosen = context.value(_KEY), context.value("encryption.atRest")
    if key and chosen != _BY_KMS:
        why = f"encryption.atRest is {chosen or 'empty'}: S3 does not use this key"
        yield warning(_KEY, key, why, f"set encryption.atRest: {_BY_KMS}, or leave the key out")


def kms_key_region_mismatch(context: LintContext) -> Iterator[Finding]:
    """The KMS key is in another region than the buckets."""
    key, region = context.value(_KEY), context.value("s3.region")
    key_region = key.split(":")[3] if key else region
    if region and key_region != region:
        why = f"S3 in {region} uses KMS in {region}, where a key of {key_region} does not exist"
        yield error(_KEY, key, why, f"choose a key in {region}")


def plain_http_with_encryption(context: LintContext) -> Iterator[Finding]:
    """Traffic between pods is encrypted, and traffic to S3 is not."""
    endpoint = context.conf.get(S3A + "endpoint", "")
    if context.value("encryption.inTransit") and endpoint.startswith("http://"):
        why = "encryption.inTransit covers driver and executors; traffic to S3 stays unencrypted"
        yield warning(
            "s3.endpoint", endpoint, why, "give the S3 server a certificate, and write https://"
        )


def broken_network_cipher(context: LintContext) -> Iterator[Finding]:
    """AES-GCM between driver and executors: Spark 4.1.2 only reads the first message."""
    cipher = context.conf.get(_CIPHER, "")
    if "GCM" in cipher.upper():
        why = "Spark 4.1.2 drops all messages after the first (SPARK-56227): the run never starts"
        yield error(
            conf_key(_CIPHER), cipher, why, "leave it out: the default is AES/CTR/NoPadding"
        )
