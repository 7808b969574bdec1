"""Reads and checks the price table, a YAML file that users edit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from job.errors import InvalidValueError

EXAMPLE = Path(__file__).with_name("prices.yaml")


@dataclass(frozen=True)
class Price:
    """An amount in the table's currency, its source, and the date of the look-up."""

    amount: float
    source: str
    date: str


@dataclass(frozen=True)
class Instance:
    """An instance type: prices per hour, memory in GB of 2^30 bytes."""

    name: str
    vcpus: float
    gigabytes: float
    on_demand: Price
    spot: Price


@dataclass(frozen=True)
class Prices:
    """The price table; `instance` is the instance type on which the pods are priced."""

    currency: str
    instance: Instance
    emr_vcpu_hour: Price
    emr_gigabyte_hour: Price
    s3_gigabyte_month: Price
    s3_put_per_1000: Price
    s3_get_per_1000: Price

    @property
    def as_of(self) -> str:
        """The ISO date of the oldest price."""
        instance = (self.instance.on_demand, self.instance.spot)
        emr = (self.emr_vcpu_hour, self.emr_gigabyte_hour)
        s3 = (self.s3_gigabyte_month, self.s3_put_per_1000, self.s3_get_per_1000)
        return min(price.date for price in (*instance, *emr, *s3))


def read_prices(path: Path, instance: str | None = None) -> Prices:
    """The prices of a file for one of its instances (None: the file's default instance).

    Raises InvalidValueError for missing entries, invalid numbers, and prices without a date.
    """
    table = _Table(path, _load_yaml(path))
    name = instance or str(table.get("instance"))
    return Prices(
        currency=str(table.get("currency")),
        instance=Instance(
            name,
            table.number("instances", name, "vcpus"),
            table.number("instances", name, "gigabytes"),
            table.price("instances", name, "on_demand"),
            table.price("instances", name, "spot"),
        ),
        emr_vcpu_hour=table.price("emr", "vcpu_hour"),
        emr_gigabyte_hour=table.price("emr", "gigabyte_hour"),
        s3_gigabyte_month=table.price("s3", "gigabyte_month"),
        s3_put_per_1000=table.price("s3", "put_per_1000"),
        s3_get_per_1000=table.price("s3", "get_per_1000"),
    )


def _load_yaml(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InvalidValueError(
            f"--prices {path} cannot be read: {reason}",
            expected="a YAML file of prices",
            fix=f"copy {EXAMPLE}",
        ) from error
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class _Table:
    path: Path
    content: Mapping[str, Any]

    def get(self, *keys: str) -> Any:
        value: Any = self.content
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise self._invalid(keys, "is missing")
            value = value[key]
        return value

    def number(self, *keys: str) -> float:
        value = self.get(*keys)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value < math.inf:
            raise self._invalid(keys, f"is {value!r}, which is not a valid amount")
        return float(value)

    def price(self, *keys: str) -> Price:
        day = self.get(*keys, "date")
        if not isinstance(day, date):
            raise self._invalid((*keys, "date"), f"is {day!r}, which is not a date")
        return Price(self.number(*keys, "price"), str(self.get(*keys, "source")), day.isoformat())

    def _invalid(self, keys: tuple[str, ...], problem: str) -> InvalidValueError:
        return InvalidValueError(
            f"{'.'.join(keys)} of {self.path} {problem}",
            expected="an entry as in the example, with price, source and date",
            fix=f"see {EXAMPLE}",
        )
