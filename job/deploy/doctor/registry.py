"""The client-side checks in order. To add a check, write a function and list it here."""

from __future__ import annotations

from job.checks import Check
from job.deploy.doctor import aws, cluster, image, operator, regions
from job.deploy.doctor.context import ClientContext

CLIENT_CHECKS: tuple[Check[ClientContext], ...] = (
    Check(cluster.values),
    Check(cluster.api_server),
    Check(cluster.namespace, (cluster.api_server,)),
    Check(cluster.api_resources, (cluster.values, cluster.api_server)),
    Check(cluster.permissions, (cluster.values, cluster.api_server)),
    Check(operator.operator, (cluster.namespace,)),
    Check(operator.webhook, (cluster.namespace, cluster.api_resources)),
    Check(cluster.dry_run, (cluster.permissions, operator.webhook)),
    Check(cluster.service_accounts, (cluster.values, cluster.namespace)),
    Check(cluster.credentials_secret, (cluster.values, cluster.namespace)),
    Check(image.image, (cluster.values, cluster.api_server)),
    Check(regions.allowed_regions, (cluster.values, cluster.api_server)),
    Check(aws.bucket, (cluster.values,)),
    Check(aws.role_trust, (cluster.values, cluster.service_accounts)),
)
