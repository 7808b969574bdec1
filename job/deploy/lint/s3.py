"""Where S3 is: address, region, zone, and how buckets are addressed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from job import regions
from job.deploy.lint.context import Subject
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import S3A
from job.quantities import address

_AWS_REGION = re.compile(r"(?:^|\.)s3[.-](?:dualstack\.|fips[.-])?([a-z]{2}(?:-[a-z]+)+-\d)\.")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ZONE = re.compile(rf"({_REGION.pattern})[a-z]")


def path_style_on_aws(subject: Subject) -> Iterator[Finding]:
    """Buckets addressed by path on AWS's own S3."""
    if _path_style(subject) and _is_aws(subject):
        yield warning(
            "s3.pathStyle",
            True,
            "AWS addresses buckets by host name; by path it is a way that AWS has deprecated",
            "leave s3.pathStyle out, or set s3.endpoint to the S3 that wants it",
        )


def host_style_elsewhere(subject: Subject) -> Iterator[Finding]:
    """Buckets addressed by host name on an S3 that is not AWS's."""
    if not _path_style(subject) and not _is_aws(subject):
        yield warning(
            "s3.pathStyle",
            False,
            f"each bucket is a host of its own then, bucket.{_host(subject)}, which DNS must know",
            "set s3.pathStyle: true",
        )


def plain_http_to_aws(subject: Subject) -> Iterator[Finding]:
    """`http://` to AWS: images, results and tokens in the clear."""
    endpoint = _endpoint(subject)
    if endpoint.startswith("http://") and _is_aws(subject):
        why = "images and results would travel in the clear"
        yield warning("s3.endpoint", endpoint, why, "write https://, or leave s3.endpoint out")


def endpoint_of_another_region(subject: Subject) -> Iterator[Finding]:
    """An endpoint of AWS in another region than `s3.region`."""
    found = _AWS_REGION.search(_host(subject))
    region = subject.value("s3.region")
    if found and region and found[1] != region:
        yield error(
            "s3.endpoint",
            _endpoint(subject),
            f"requests are signed for {region}, and S3 of {found[1]} refuses them",
            "leave s3.endpoint out: AWS is found by the region",
        )


def region_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A zone, or something else that is no region, as `s3.region` of AWS."""
    region = subject.value("s3.region")
    if not region or not _is_aws(subject) or _REGION.fullmatch(region):
        return
    zone = _ZONE.fullmatch(region)
    yield error(
        "s3.region",
        region,
        "this is a zone, no region" if zone else "AWS has no region of this form",
        f"set s3.region: {zone[1]}" if zone else "set a region such as eu-central-1",
    )


def region_that_is_not_allowed(subject: Subject) -> Iterator[Finding]:
    """`s3.region` that is none of `allowedRegions`: nothing would start."""
    region, allowed = subject.value("s3.region"), subject.value("allowedRegions")
    if region and allowed and not any(fnmatchcase(region, pattern) for pattern in allowed):
        yield error(
            "s3.region",
            region,
            f"allowedRegions has only {', '.join(allowed)}: neither submit nor the job would start",
            "choose buckets in one of them, or allow this region",
        )


def zone_of_another_region(subject: Subject) -> Iterator[Finding]:
    """Pods in another region than the buckets."""
    zone, region = subject.value("zone"), subject.value("s3.region")
    found = _ZONE.fullmatch(zone)
    if found and region and _is_aws(subject) and found[1] != region:
        yield warning(
            "zone",
            zone,
            f"the buckets are in {region}: each image would be paid as traffic between regions",
            f"choose a zone such as {region}a",
        )


def endpoint_without_a_way(subject: Subject) -> Iterator[Finding]:
    """A network policy that does not let pods reach the port of `s3.endpoint`."""
    if not subject.value("networkPolicy.enabled"):
        return
    asked = address(_endpoint(subject))
    port = asked.port or (80 if asked.scheme == "http" else 443)
    ports = subject.value("networkPolicy.s3.ports")
    if port not in ports:
        yield error(
            "networkPolicy.s3.ports",
            ports,
            f"S3 is asked on port {port}, and the network policy lets nobody there",
            f"set networkPolicy.s3.ports: [{port}], and its cidrs to where that S3 is",
        )


def _endpoint(subject: Subject) -> str:
    return subject.conf.get(S3A + "endpoint", "")


def _host(subject: Subject) -> str:
    return address(_endpoint(subject)).hostname or ""


def _is_aws(subject: Subject) -> bool:
    return regions.is_aws(_host(subject))


def _path_style(subject: Subject) -> bool:
    return subject.conf[S3A + "path.style.access"].lower() == "true"
