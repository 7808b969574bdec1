"""Counts the images of a scenario in the tables of its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deltalake import DeltaTable


@dataclass(frozen=True)
class TableContent:
    """The paths in the tables of an output."""

    features: list[str]
    quarantine: list[str]


@dataclass
class Counts:
    """The images of a scenario; `lost` and `duplicated` must be 0."""

    listed: int
    featurized: int
    quarantined: int
    lost: int
    duplicated: int
    twice: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:,}" for name, value in vars(self).items())


def counts(listed: set[str], content: TableContent, gets: int) -> Counts:
    """`gets` are the GETs of images; more than one per image means featurizing it twice."""
    paths = [*content.features, *content.quarantine]
    return Counts(
        listed=len(listed),
        featurized=len(set(content.features)),
        quarantined=len(set(content.quarantine)),
        lost=len(listed - set(paths)),
        duplicated=len(paths) - len(set(paths)),
        twice=max(gets - len(listed), 0),
    )


@dataclass(frozen=True)
class Tables:
    """The tables of an output on S3, read without Spark."""

    output: str
    storage_options: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> TableContent:
        return TableContent(self._paths("features"), self._paths("quarantine"))

    def _paths(self, name: str) -> list[str]:
        options = dict(self.storage_options)
        table = DeltaTable(
            f"{self.output.replace('s3a://', 's3://')}/{name}", storage_options=options
        )
        return [str(path) for path in table.to_pyarrow_table(columns=["path"])["path"].to_pylist()]
