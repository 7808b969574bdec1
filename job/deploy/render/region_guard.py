"""Checks that a run and its data stay in the allowed regions, before it is submitted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from job import regions
from job.deploy.render.run_paths import job_paths, option_value

REGION_LABEL = "topology.kubernetes.io/region"
_EKS = re.compile(r"\.([a-z0-9-]+)\.eks\.amazonaws\.com(?:\.cn)?$")


def require_allowed(
    spec: Mapping[str, Any],
    find_regions: Callable[[], Mapping[str, str]],
    more_paths: Iterable[str] = (),
) -> None:
    """Check the regions of the cluster and of all buckets, if the run restricts its regions.

    `spec` is that of the rendered application. `find_regions` returns the region of each thing the
    run would use. Raises InvalidValueError for a region that is not allowed, and what
    `find_regions` raises.
    """
    arguments = spec.get("arguments", [])
    allowed = regions.parse_patterns(option_value(arguments, "--allowed-regions"))
    if not allowed:
        return
    for what, region in find_regions().items():
        regions.require_allowed(what, region, allowed)
    regions.require_buckets_allowed(
        [*job_paths(arguments), *more_paths], spec["sparkConf"], allowed
    )


def eks_region(host: str) -> str:
    """The region in the host name of an EKS cluster; empty for any other cluster."""
    match = _EKS.search(host)
    return match[1] if match else ""
