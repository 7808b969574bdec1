"""The resource requests of pods, as Spark 4.1 computes them from its settings."""

from __future__ import annotations

import pytest

from job.analysis.cost.pod_resources import Request, driver_request, executor_request


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # 1 GiB of heap, and an overhead of 40 %, which is above 384 MiB.
        ({}, Request(1, (1024 + int(0.4 * 1024 * 1024**2) / 1024**2) / 1024)),
        ({"spark.executor.memory": "512m"}, Request(1, (512 + 384) / 1024)),
        ({"spark.executor.memory": "2048", "spark.executor.memoryOverhead": "2g"}, Request(1, 4)),
        (
            {"spark.executor.memory": "2g", "spark.executor.memoryOverheadFactor": "0.5"},
            Request(1, 3),
        ),
        (
            {
                "spark.executor.memoryOverhead": "1g",
                "spark.executor.pyspark.memory": "1g",
                "spark.memory.offHeap.enabled": "true",
                "spark.memory.offHeap.size": "1g",
            },
            Request(1, 4),
        ),
        (
            {
                "spark.executor.cores": "4",
                "spark.kubernetes.executor.request.cores": "3500m",
                "spark.executor.memoryOverhead": "1g",
            },
            Request(3.5, 2),
        ),
    ],
)
def test_an_executor_request(settings: dict[str, str], expected: Request) -> None:
    request = executor_request(settings)
    assert request.vcpus == expected.vcpus
    assert request.gigabytes == pytest.approx(expected.gigabytes)


def test_a_driver_request_uses_the_driver_settings() -> None:
    settings = {
        "spark.driver.cores": "2",
        "spark.driver.memory": "3g",
        "spark.driver.memoryOverhead": "1g",
        "spark.executor.cores": "8",
    }
    assert driver_request(settings) == Request(2, 4)
