"""Computes the cost of a run from its usage and a price table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from job.analysis.cost.pod_resources import GIBIBYTE, Request
from job.analysis.cost.prices import Instance, Prices
from job.analysis.cost.usage import Pod, Usage

_HOUR = 3600
_MIN_EMR_SECONDS = 60
# The number of keys per S3 list response.
_KEYS_PER_LISTING = 1000
_MILLION = 1_000_000


@dataclass(frozen=True)
class StoredOutput:
    """The number of objects of an output, and their bytes."""

    objects: int
    bytes: int


@dataclass(frozen=True)
class CostOption:
    """One pricing option: the cost of the run, and the cost of a million images."""

    name: str
    cost: float
    per_million: float | None


@dataclass(frozen=True)
class Bill:
    """The costs of a run in the currency of the prices.

    `storage_month` is the monthly storage cost of the output, None if its size is unknown.
    """

    usage: Usage
    prices: Prices
    options: tuple[CostOption, ...]
    storage_month: float | None


def compute_bill(usage: Usage, prices: Prices, stored: StoredOutput | None = None) -> Bill:
    """The cost of a run on demand and on spot, each with and without EMR.

    All options include S3 requests: a GET per image, a LIST per thousand, a PUT per stored object.
    """
    instance = prices.instance
    requests = request_cost(usage.images or 0, stored.objects if stored else 0, prices)
    uplift = emr_cost(usage.pods, prices)
    on_demand = node_cost(usage.pods, instance, instance.on_demand.amount) + requests
    spot = node_cost(usage.pods, instance, instance.spot.amount) + requests
    costs = {
        "on demand": on_demand,
        "spot": spot,
        "on demand, with EMR": on_demand + uplift,
        "spot, with EMR": spot + uplift,
    }
    options = tuple(
        CostOption(name, cost, _cost_per_million(cost, usage)) for name, cost in costs.items()
    )
    return Bill(usage, prices, options, None if stored is None else storage_cost(stored, prices))


def node_cost(pods: Iterable[Pod], instance: Instance, hourly_price: float) -> float:
    """The cost of the node shares that the pods request.

    A pod pays the larger of its shares of vCPUs and memory (the dominant share of Ghodsi et al.,
    Dominant Resource Fairness, NSDI 2011, section 3):
    sum of seconds / 3600 * hourly_price * max(vCPUs / vCPUs of a node, GB / GB of a node).
    """
    return sum(pod.seconds / _HOUR * hourly_price * _share(pod.request, instance) for pod in pods)


def emr_cost(pods: Iterable[Pod], prices: Prices) -> float:
    """The surcharge of EMR on EKS: requested vCPUs and GB per second, at least a minute.

    Billed from the image download to the end of the pod, rounded up to the second
    (https://aws.amazon.com/emr/pricing/, "Amazon EMR on Amazon EKS").
    """
    vcpu, gigabyte = prices.emr_vcpu_hour.amount, prices.emr_gigabyte_hour.amount
    return sum(
        _emr_seconds(pod) / _HOUR * (pod.request.vcpus * vcpu + pod.request.gigabytes * gigabyte)
        for pod in pods
    )


def request_cost(images: int, objects: int, prices: Prices) -> float:
    """A GET per image, a LIST (priced as PUT) per thousand images, a PUT per output object."""
    puts = objects + math.ceil(images / _KEYS_PER_LISTING)
    return (images * prices.s3_get_per_1000.amount + puts * prices.s3_put_per_1000.amount) / 1000


def storage_cost(stored: StoredOutput, prices: Prices) -> float:
    """The cost of storing the output for a month; a GB has 2^30 bytes on S3."""
    return stored.bytes / GIBIBYTE * prices.s3_gigabyte_month.amount


def _share(request: Request, instance: Instance) -> float:
    return max(request.vcpus / instance.vcpus, request.gigabytes / instance.gigabytes)


def _emr_seconds(pod: Pod) -> int:
    return max(math.ceil(pod.seconds), _MIN_EMR_SECONDS)


def _cost_per_million(cost: float, usage: Usage) -> float | None:
    return cost / usage.images * _MILLION if usage.images else None
