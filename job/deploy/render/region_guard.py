"""A run is not submitted to where its data may not go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from job import regions
from job.deploy.render.run_paths import option, paths_of

REGION_LABEL = "topology.kubernetes.io/region"
_EKS = re.compile(r"\.([a-z0-9-]+)\.eks\.amazonaws\.com(?:\.cn)?$")


def require_allowed(
    spec: Mapping[str, Any],
    places: Callable[[], Mapping[str, str]],
    more_paths: Iterable[str] = (),
) -> None:
    """Check where a run works and where its buckets are, if its regions are restricted.

    `spec` is that of the rendered application; `places` says what it would work on, and the region
    of each. Raises InvalidValueError for a region that is not allowed, and what `places` raises.
    """
    arguments = spec.get("arguments", [])
    allowed = regions.patterns(option(arguments, "--allowed-regions"))
    if not allowed:
        return
    for what, region in places().items():
        regions.require_allowed(what, region, allowed)
    regions.require_buckets([*paths_of(arguments), *more_paths], spec["sparkConf"], allowed)


def region_of_eks(host: str) -> str:
    """The region in the address of an EKS cluster; empty of any other."""
    found = _EKS.search(host)
    return found[1] if found else ""
