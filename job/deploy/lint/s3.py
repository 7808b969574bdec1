"""The S3 endpoint: address, region, zone, and addressing style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from job import regions
from job.deploy.lint.context import LintContext
from job.deploy.lint.finding import Finding, error, warning
from job.deploy.lint.known_settings import S3A
from job.quantities import parse_endpoint
from job.s3_address import is_ip

_AWS_REGION = re.compile(r"(?:^|\.)s3[.-](?:dualstack\.|fips[.-])?([a-z]{2}(?:-[a-z]+)+-\d)\.")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ZONE = re.compile(rf"({_REGION.pattern})[a-z]")


def path_style_on_aws(context: LintContext) -> Iterator[Finding]:
    """Path-style addressing on AWS."""
    if _path_style(context) and _is_aws(context):
        yield warning(
            "s3.pathStyle",
            True,
            "AWS addresses buckets by host name; AWS has deprecated path-style requests",
            "leave s3.pathStyle out, or set s3.endpoint to an S3 server that needs it",
        )


def virtual_hosted_style_outside_aws(context: LintContext) -> Iterator[Finding]:
    """Buckets addressed by host name on an S3 that is not AWS's."""
    if not (_path_style(context) or _is_aws(context) or is_ip(_host(context))):
        yield warning(
            "s3.pathStyle",
            False,
            f"each bucket is then its own host, bucket.{_host(context)}, which DNS must resolve",
            "set s3.pathStyle: true",
        )


def plain_http_to_aws(context: LintContext) -> Iterator[Finding]:
    """`http://` to AWS: images, results and tokens are not encrypted."""
    endpoint = _endpoint(context)
    if endpoint.startswith("http://") and _is_aws(context):
        why = "images and results are sent unencrypted"
        yield warning("s3.endpoint", endpoint, why, "write https://, or leave s3.endpoint out")


def endpoint_region_mismatch(context: LintContext) -> Iterator[Finding]:
    """An AWS endpoint in another region than `s3.region`."""
    match = _AWS_REGION.search(_host(context))
    region = context.value("s3.region")
    if match and region and match[1] != region:
        yield error(
            "s3.endpoint",
            _endpoint(context),
            f"requests are signed for {region}, and S3 in {match[1]} rejects them",
            "leave s3.endpoint out: the region is enough on AWS",
        )


def invalid_region(context: LintContext) -> Iterator[Finding]:
    """`s3.region` is not a region of AWS, for example an availability zone."""
    region = context.value("s3.region")
    if not region or not _is_aws(context) or _REGION.fullmatch(region):
        return
    zone = _ZONE.fullmatch(region)
    yield error(
        "s3.region",
        region,
        "this is a zone, not a region" if zone else "AWS has no region of this form",
        f"set s3.region: {zone[1]}" if zone else "set a region such as eu-central-1",
    )


def region_not_allowed(context: LintContext) -> Iterator[Finding]:
    """`s3.region` is not one of `allowedRegions`: nothing starts."""
    region, allowed = context.value("s3.region"), context.value("allowedRegions")
    if region and allowed and not any(fnmatchcase(region, pattern) for pattern in allowed):
        yield error(
            "s3.region",
            region,
            f"allowedRegions has only {', '.join(allowed)}: submit and the job refuse it",
            "choose buckets in an allowed region, or allow this region",
        )


def zone_region_mismatch(context: LintContext) -> Iterator[Finding]:
    """`zone` is in another region than the buckets."""
    zone, region = context.value("zone"), context.value("s3.region")
    match = _ZONE.fullmatch(zone)
    if match and region and _is_aws(context) and match[1] != region:
        yield warning(
            "zone",
            zone,
            f"the buckets are in {region}: reading images costs cross-region traffic",
            f"choose a zone such as {region}a",
        )


def endpoint_blocked_by_network_policy(context: LintContext) -> Iterator[Finding]:
    """The network policy blocks the port of `s3.endpoint`."""
    if not context.value("networkPolicy.enabled"):
        return
    url = parse_endpoint(_endpoint(context))
    port = url.port or (80 if url.scheme == "http" else 443)
    ports = context.value("networkPolicy.s3.ports")
    if port not in ports:
        yield error(
            "networkPolicy.s3.ports",
            ports,
            f"S3 listens on port {port}, and the network policy blocks it",
            f"set networkPolicy.s3.ports: [{port}], and cidrs to the addresses of the S3 server",
        )


def _endpoint(context: LintContext) -> str:
    return context.conf.get(S3A + "endpoint", "")


def _host(context: LintContext) -> str:
    return parse_endpoint(_endpoint(context)).hostname or ""


def _is_aws(context: LintContext) -> bool:
    return regions.is_aws_endpoint(_host(context))


def _path_style(context: LintContext) -> bool:
    return context.conf[S3A + "path.style.access"].lower() == "true"
