"""The price table: the example, and invalid entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from job.analysis.cost.prices import EXAMPLE, read_prices
from job.errors import InvalidValueError


def test_the_example_is_valid() -> None:
    prices = read_prices(EXAMPLE)
    assert prices.instance.name == "m5.xlarge"
    assert prices.instance.spot.amount < prices.instance.on_demand.amount
    assert read_prices(EXAMPLE, "m5.large").instance.vcpus == 2


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("currency: USD\n", "", "currency of .* is missing"),
        ("instance: m5.xlarge", "instance: m9.huge", "instances.m9.huge.vcpus of .* is missing"),
        (
            "price: 0.192",
            "price: cheap",
            "on_demand.price of .* is 'cheap', which is not a valid amount",
        ),
        ("price: 0.192", "price: -1", "which is not a valid amount"),
        ("price: 0.192, ", "", "on_demand.price of .* is missing"),
        ("price: 0.192", "price: .inf", "which is not a valid amount"),
        ("date: 2026", "date: in 2026", "which is not a date"),
        ("  gigabyte_month:", "  month:", "s3.gigabyte_month.date of .* is missing"),
    ],
)
def test_an_invalid_entry_is_rejected_by_name(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert before in text
    prices = tmp_path / "prices.yaml"
    prices.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(InvalidValueError, match=message):
        read_prices(prices)


def test_a_missing_or_invalid_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="cannot be read"):
        read_prices(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(InvalidValueError, match="cannot be read"):
        read_prices(tmp_path / "bad.yaml")
