"""The in-cluster checks in order. To add a check, write a function and list it here."""

from __future__ import annotations

from job.checks import Check
from job.pipeline.in_cluster import network, spark, storage
from job.pipeline.in_cluster.context import InClusterContext

IN_CLUSTER_CHECKS: tuple[Check[InClusterContext], ...] = (
    Check(spark.spark),
    Check(spark.classpath, (spark.spark,)),
    Check(storage.endpoint, (spark.spark,)),
    Check(storage.identity, (storage.endpoint,)),
    Check(storage.region, (storage.identity,)),
    Check(storage.allowed_regions, (spark.spark,)),
    Check(storage.input_image, (spark.classpath, storage.identity)),
    Check(storage.output, (spark.classpath, storage.identity)),
    Check(storage.magic_commit, (storage.output,)),
    Check(storage.event_log, (spark.classpath, storage.identity)),
    Check(network.weights, (spark.spark,)),
    Check(network.forward_pass, (spark.spark, network.weights)),
)
