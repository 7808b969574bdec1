"""What is encrypted, and with which key."""

from __future__ import annotations

from collections.abc import Iterator

from job.deploy.lint.context import Subject, conf_key
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import S3A

_KEY = "encryption.kmsKeyArn"
_BY_KMS = "SSE-KMS"
_CIPHER = "spark.network.crypto.cipher"


def key_that_is_not_used(subject: Subject) -> Iterator[Finding]:
    """A KMS key with objects that are not encrypted by KMS."""
    key, chosen = subject.value(_KEY), subject.value("encryption.atRest")
    if key and chosen != _BY_KMS:
        why = f"encryption.atRest is {chosen or 'empty'}: S3 encrypts with other keys than this one"
        yield warning(_KEY, key, why, f"set encryption.atRest: {_BY_KMS}, or leave the key out")


def key_of_another_region(subject: Subject) -> Iterator[Finding]:
    """A KMS key of another region than the buckets."""
    key, region = subject.value(_KEY), subject.value("s3.region")
    of_key = key.split(":")[3] if key else region
    if region and of_key != region:
        why = f"S3 of {region} asks KMS of {region}, which does not know a key of {of_key}"
        yield error(_KEY, key, why, f"choose a key of {region}")


def plain_http_beside_encryption(subject: Subject) -> Iterator[Finding]:
    """Traffic between pods encrypted, and that with S3 not."""
    endpoint = subject.conf.get(S3A + "endpoint", "")
    if subject.value("encryption.inTransit") and endpoint.startswith("http://"):
        why = "encryption.inTransit is of driver and executors; images and results go in the clear"
        yield warning(
            "s3.endpoint", endpoint, why, "give that S3 a certificate, and write https://"
        )


def cipher_that_loses_messages(subject: Subject) -> Iterator[Finding]:
    """AES-GCM between driver and executors, of which Spark 4.0.2 reads the first message only."""
    cipher = subject.conf.get(_CIPHER, "")
    if "GCM" in cipher.upper():
        why = "Spark 4.0.2 drops what comes after the first message (SPARK-56227): nothing starts"
        yield error(
            conf_key(_CIPHER), cipher, why, "leave it out: the default is AES/CTR/NoPadding"
        )
