"""Where the data of a run may be, and where it would be."""

from __future__ import annotations

from job.deploy.doctor.context import Outside
from job.deploy.render import region_guard


def allowed_regions(subject: Outside) -> str:
    """Cluster and buckets are in regions that `allowedRegions` names."""
    region_guard.require_allowed(subject.spec, subject.cluster.regions)
    named = subject.values["allowedRegions"]
    return f"all is in {', '.join(named)}" if named else "any region is allowed"
