"""All checks in their order; to add one is to write a function and to name it here."""

from __future__ import annotations

from typing import Any

from job.check_runner import Check
from job.checks import by_family
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


def inside() -> tuple[Check[Any], ...]:
    """The checks in a pod; they import Spark, which a person's machine need not have."""
    from job.pipeline.in_cluster import network, spark, storage

    return (
        Check(spark.spark),
        Check(spark.classes, (spark.spark,)),
        Check(storage.endpoint, (spark.spark,)),
        Check(storage.identity, (storage.endpoint,)),
        Check(storage.region, (storage.identity,)),
        Check(storage.allowed_regions, (spark.spark,)),
        Check(storage.input_image, (spark.classes, storage.identity)),
        Check(storage.output, (spark.classes, storage.identity)),
        Check(storage.magic_commit, (storage.output,)),
        Check(storage.event_log, (spark.classes, storage.identity)),
        Check(network.weights),
        Check(network.forward_pass, (spark.spark, network.weights)),
    )


def families() -> dict[str, dict[str, dict[str, str]]]:
    """What is looked at from outside and inside: families, checks and what each is about."""
    return {
        "From your machine": by_family(check.look for check in OUTSIDE),
        "In the cluster": by_family(check.look for check in inside()),
    }
