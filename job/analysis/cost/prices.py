"""The table of prices that a person edits, read and checked."""

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
    """An amount of the table's currency, where it was found and when."""

    amount: float
    source: str
    date: str


@dataclass(frozen=True)
class Instance:
    """A node as it is sold; prices are an hour's, memory is in GB of 2^30 bytes."""

    name: str
    vcpus: float
    gigabytes: float
    on_demand: Price
    spot: Price


@dataclass(frozen=True)
class Prices:
    """The whole table; `instance` is the one that a run's pods are taken to run on."""

    currency: str
    instance: Instance
    emr_vcpu_hour: Price
    emr_gigabyte_hour: Price
    s3_gigabyte_month: Price
    s3_put_per_1000: Price
    s3_get_per_1000: Price

    @property
    def as_of(self) -> str:
        """The day of the oldest price: ISO days sort by time."""
        instance = (self.instance.on_demand, self.instance.spot)
        emr = (self.emr_vcpu_hour, self.emr_gigabyte_hour)
        s3 = (self.s3_gigabyte_month, self.s3_put_per_1000, self.s3_get_per_1000)
        return min(price.date for price in (*instance, *emr, *s3))


def read_prices(path: Path, instance: str | None = None) -> Prices:
    """The prices of a file, for one of its instances (None: the one that the file names).

    Raises InvalidValueError for what is missing, no number, or without source and date.
    """
    table = _Table(path, _parsed(path))
    name = instance or str(table.at("instance"))
    return Prices(
        currency=str(table.at("currency")),
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


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise InvalidValueError(
            f"--prices {path} cannot be read: {why}",
            expected="a YAML file of prices",
            fix=f"copy {EXAMPLE}",
        ) from error
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class _Table:
    path: Path
    content: Mapping[str, Any]

    def at(self, *keys: str) -> Any:
        found: Any = self.content
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise self._wrong(keys, "is missing")
            found = found[key]
        return found

    def number(self, *keys: str) -> float:
        found = self.at(*keys)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if not is_number or not 0 <= found < math.inf:
            raise self._wrong(keys, f"is {found!r}, which is no amount")
        return float(found)

    def price(self, *keys: str) -> Price:
        day = self.at(*keys, "date")
        if not isinstance(day, date):
            raise self._wrong((*keys, "date"), f"is {day!r}, which is no day")
        return Price(self.number(*keys, "price"), str(self.at(*keys, "source")), day.isoformat())

    def _wrong(self, keys: tuple[str, ...], why: str) -> InvalidValueError:
        return InvalidValueError(
            f"{'.'.join(keys)} of {self.path} {why}",
            expected="an entry as in the example, with price, source and date",
            fix=f"see {EXAMPLE}",
        )
