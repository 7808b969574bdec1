"""What has become of the images of a scenario, counted from what its runs have left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deltalake import DeltaTable


@dataclass(frozen=True)
class Found:
    """What is in the tables of an output."""

    features: list[str]
    quarantine: list[str]


@dataclass
class Counts:
    """What a scenario did to its images; `lost` and `duplicated` must be 0."""

    listed: int
    featurized: int
    quarantined: int
    lost: int
    duplicated: int
    twice: int

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:,}" for name, value in vars(self).items())


def counts(listed: set[str], found: Found, gets: int) -> Counts:
    """`gets` are the GETs of images: those beyond one an image were for featurizing it again."""
    every = [*found.features, *found.quarantine]
    return Counts(
        listed=len(listed),
        featurized=len(set(found.features)),
        quarantined=len(set(found.quarantine)),
        lost=len(listed - set(every)),
        duplicated=len(every) - len(set(every)),
        twice=max(gets - len(listed), 0),
    )


@dataclass(frozen=True)
class Tables:
    """The tables of an output on S3, read without Spark."""

    output: str
    storage_options: Mapping[str, str] = field(default_factory=dict)

    def found(self) -> Found:
        return Found(self._paths("features"), self._paths("quarantine"))

    def _paths(self, name: str) -> list[str]:
        options = dict(self.storage_options)
        table = DeltaTable(
            f"{self.output.replace('s3a://', 's3://')}/{name}", storage_options=options
        )
        return [str(path) for path in table.to_pyarrow_table(columns=["path"])["path"].to_pylist()]
