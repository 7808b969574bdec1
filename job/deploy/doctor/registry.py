"""All checks in their order; to add one is to write a function and to name it here."""

from __future__ import annotations

from job.checks import Check
from job.deploy.doctor import aws, cluster, image, operator, regions
from job.deploy.doctor.context import Outside

OUTSIDE: tuple[Check[Outside], ...] = (
    Check(cluster.values),
    Check(cluster.context),
    Check(cluster.namespace, (cluster.context,)),
    Check(cluster.kinds, (cluster.values, cluster.context)),
    Check(cluster.rights, (cluster.values, cluster.context)),
    Check(operator.operator, (cluster.namespace,)),
    Check(operator.webhook, (cluster.namespace, cluster.kinds)),
    Check(cluster.objects, (cluster.rights, operator.webhook)),
    Check(cluster.accounts, (cluster.values, cluster.namespace)),
    Check(cluster.credentials_secret, (cluster.values, cluster.namespace)),
    Check(image.image, (cluster.values, cluster.context)),
    Check(regions.allowed_regions, (cluster.values, cluster.context)),
    Check(aws.bucket, (cluster.values,)),
    Check(aws.role_trust, (cluster.values, cluster.accounts)),
)
