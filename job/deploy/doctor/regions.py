"""Whether cluster and buckets are in the allowed regions."""

from __future__ import annotations

from job.deploy.doctor.context import ClientContext
from job.deploy.render import region_guard


def allowed_regions(context: ClientContext) -> str:
    """Cluster and buckets are in the regions of `allowedRegions`."""
    region_guard.require_allowed(context.spec, context.cluster.regions)
    allowed = context.values["allowedRegions"]
    return f"everything is in {', '.join(allowed)}" if allowed else "any region is allowed"
