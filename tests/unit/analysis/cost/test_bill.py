"""The costs of the example, computed by hand."""

from __future__ import annotations

import pytest

from job.analysis.cost.bill import StoredOutput, compute_bill, emr_cost, node_cost
from job.analysis.cost.event_log import usage_from_log
from job.analysis.cost.pod_resources import Request
from job.analysis.cost.prices import Instance, Price, Prices
from job.analysis.cost.usage import Pod
from tests.unit.analysis.cost.example_log import events, lines


def price(amount: float) -> Price:
    return Price(amount, "https://example.com", "2026-01-02")


PRICES = Prices(
    currency="USD",
    instance=Instance("a.large", 4, 16, on_demand=price(0.36), spot=price(0.18)),
    emr_vcpu_hour=price(0.036),
    emr_gigabyte_hour=price(0.0036),
    s3_gigabyte_month=price(0.02),
    s3_put_per_1000=price(2),
    s3_get_per_1000=price(1),
)
# The driver needs an eighth of a node (0.5 of 4 vCPUs, 2 of 16 GB) for 600 s, the executors half a
# node (2 of 4 vCPUs) for 800 s.
NODES = 0.36 / 3600 * (600 / 8 + 800 / 2)
# 160 GETs and one LIST.
REQUESTS = 0.16 + 0.002
EMR = (1900 * 0.036 + 4400 * 0.0036) / 3600


def test_the_cost_of_each_pricing_option() -> None:
    bill = compute_bill(usage_from_log(lines(events())), PRICES)
    expected = {
        "on demand": NODES + REQUESTS,
        "spot": NODES / 2 + REQUESTS,
        "on demand, with EMR": NODES + REQUESTS + EMR,
        "spot, with EMR": NODES / 2 + REQUESTS + EMR,
    }
    assert {option.name: option.cost for option in bill.options} == pytest.approx(expected)
    assert pytest.approx(0.0475) == NODES
    assert pytest.approx(0.0234) == EMR
    assert bill.options[0].per_million == pytest.approx((0.0475 + 0.162) / 160 * 1e6)
    assert bill.storage_month is None


def test_stored_objects_cost_storage_and_puts() -> None:
    usage = usage_from_log(lines(events()))
    bill = compute_bill(usage, PRICES, StoredOutput(objects=500, bytes=3 * 1024**3))
    assert bill.storage_month == pytest.approx(0.06)
    assert bill.options[0].cost == pytest.approx(NODES + REQUESTS + 1.0)


def test_emr_bills_whole_seconds_and_at_least_a_minute() -> None:
    request = Request(1, 0)
    cost = emr_cost([Pod("a", request, 10.0), Pod("b", request, 100.2)], PRICES)
    assert cost == pytest.approx((60 + 101) / 3600 * 0.036)


def test_a_memory_heavy_pod_pays_for_memory() -> None:
    usage = usage_from_log(lines(events()))
    (driver, *_) = usage.pods
    large = Pod("large", Request(1, 16), 3600)
    assert node_cost([large], PRICES.instance, 0.36) == pytest.approx(0.36)
    assert node_cost([driver], PRICES.instance, 0.36) == pytest.approx(0.0075)
