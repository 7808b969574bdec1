"""From what a run used and what that is sold for, to money."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from job.analysis.cost.pod_resources import GIBIBYTE, Request
from job.analysis.cost.prices import Instance, Prices
from job.analysis.cost.usage import Pod, Usage

_HOUR = 3600
_LEAST_EMR_SECONDS = 60
# S3 lists so many keys in one answer.
_KEYS_A_LISTING = 1000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Stored:
    """What an output holds: objects, and their bytes."""

    objects: int
    bytes: int


@dataclass(frozen=True)
class Way:
    """One way to run: what the run cost, and what a million images cost that way."""

    name: str
    cost: float
    per_million: float | None


@dataclass(frozen=True)
class Bill:
    """All in the currency of the prices; `month` is of the stored output, None if unknown."""

    usage: Usage
    prices: Prices
    ways: tuple[Way, ...]
    month: float | None


def bill(usage: Usage, prices: Prices, stored: Stored | None = None) -> Bill:
    """What a run cost on demand, on spot, and with EMR on top of each.

    Requests of S3 count with each way: a GET an image, a LIST a thousand, a PUT an object stored.
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
    ways = tuple(Way(name, cost, _a_million(cost, usage)) for name, cost in costs.items())
    return Bill(usage, prices, ways, None if stored is None else storage_cost(stored, prices))


def node_cost(pods: Iterable[Pod], instance: Instance, hour: float) -> float:
    """The share of instances that the pods ask for, by an hour's price.

    A pod keeps others off the larger of its shares of vCPUs and of memory (the dominant share of
    Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 3):
    sum of seconds / 3600 * hour * max(vcpus / vcpus of a node, GB / GB of a node).
    """
    return sum(pod.seconds / _HOUR * hour * _share(pod.request, instance) for pod in pods)


def emr_cost(pods: Iterable[Pod], prices: Prices) -> float:
    """What EMR on EKS adds: requested vCPUs and GB by the second, a minute at least.

    From the download of the image to the end of the pod, rounded up to the second
    (https://aws.amazon.com/emr/pricing/, "Amazon EMR on Amazon EKS").
    """
    vcpu, gigabyte = prices.emr_vcpu_hour.amount, prices.emr_gigabyte_hour.amount
    return sum(
        _emr_seconds(pod) / _HOUR * (pod.request.vcpus * vcpu + pod.request.gigabytes * gigabyte)
        for pod in pods
    )


def request_cost(images: int, objects: int, prices: Prices) -> float:
    """GET of each image, LIST (sold as PUT) of each thousand, PUT of each object of the output."""
    puts = objects + math.ceil(images / _KEYS_A_LISTING)
    return (images * prices.s3_get_per_1000.amount + puts * prices.s3_put_per_1000.amount) / 1000


def storage_cost(stored: Stored, prices: Prices) -> float:
    """A month of an output; S3 counts GB of 2^30 bytes."""
    return stored.bytes / GIBIBYTE * prices.s3_gigabyte_month.amount


def _share(request: Request, instance: Instance) -> float:
    return max(request.vcpus / instance.vcpus, request.gigabytes / instance.gigabytes)


def _emr_seconds(pod: Pod) -> int:
    return max(math.ceil(pod.seconds), _LEAST_EMR_SECONDS)


def _a_million(cost: float, usage: Usage) -> float | None:
    return cost / usage.images * _MILLION if usage.images else None
