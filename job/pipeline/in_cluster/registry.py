"""All checks that run in a pod, in their order; to add one, write a function and name it here."""

from __future__ import annotations

from job.checks import Check
from job.pipeline.in_cluster import network, spark, storage
from job.pipeline.in_cluster.context import Inside

INSIDE: tuple[Check[Inside], ...] = (
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
