"""The summary of a run: runs/<run_id>.json, and the same as a table on the console."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

import job
from job.layout import Layout
from job.runtime import filesystem
from job.runtime.retries import retried

LIBRARIES = (
    "pyspark",
    "delta-spark",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "numpy",
    "pyarrow",
    "pillow",
    "obstore",
    "xgboost-cpu",
    "xgboost",
)


# To find the input of an output, before an export.
_RUNS_LOOKED_AT = 20


@dataclass(frozen=True)
class Counts:
    """Images of one run; listed = featurized + reused + quarantined."""

    listed: int = 0
    featurized: int = 0
    reused: int = 0
    quarantined: int = 0
    dropped: int = 0


@dataclass
class Summary:
    """What a run did; filled while it goes on. Holds no secret: settings are the job's own."""

    run_id: str
    command: str
    input_path: str | None
    output_path: str
    started: str
    finished: str | None = None
    status: str = "running"
    counts: Counts = field(default_factory=Counts)
    seconds: dict[str, float] = field(default_factory=dict)
    images_per_second: float | None = None
    quarantine_reasons: dict[str, int] = field(default_factory=dict)
    relabelled: int = 0
    repairs: list[str] = field(default_factory=list)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    fitted_by: str | None = None
    components: int | None = None
    explained_variance: float | None = None
    drift: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, float] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    committer: str | None = None
    reader: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    git_revision: str | None = None

    def to_json(self) -> str:
        """JSON with sorted keys."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, default=str)

    @classmethod
    def read(cls, spark: SparkSession, path: str) -> Summary:
        """The summary that `write` wrote to `path`. Raises FileNotFoundError."""
        content = json.loads(filesystem.read_bytes(spark, path))
        known = {each.name for each in fields(cls)}
        content["counts"] = Counts(**content["counts"])
        return cls(**{name: value for name, value in content.items() if name in known})

    def write(self, spark: SparkSession, path: str) -> None:
        """Write it to `path`, replacing an earlier one."""
        filesystem.write_bytes(spark, path, self.to_json().encode())

    def print_table(self, console: Console) -> None:
        """The same for a person, in two columns."""
        table = Table(
            title=f"{self.command} {self.run_id}", show_header=False, title_justify="left"
        )
        for name, value in self._lines():
            table.add_row(name, value)
        console.print(table)

    def _lines(self) -> list[tuple[str, str]]:
        counted = asdict(self.counts) if self.input_path or self.counts.listed else {}
        counts = [(name, f"{value:,}") for name, value in counted.items()]
        reasons = [
            (f"  {reason}", f"{count:,}") for reason, count in self.quarantine_reasons.items()
        ]
        stages = [(f"  {stage}", f"{seconds:.1f} s") for stage, seconds in self.seconds.items()]
        repairs = [("repaired", repair) for repair in self.repairs]
        lines = [("status", self.status), *counts, *reasons, *repairs]
        if self.relabelled:
            lines.append(("relabelled", f"{self.relabelled:,}"))
        if self.images_per_second:
            lines.append(("images/s", f"{self.images_per_second:,.1f}"))
        if self.components:
            lines.append(
                (
                    "components",
                    f"{self.components:,} ({self.explained_variance:.1%} of the variance)",
                )
            )
        lines += _drift_lines(self.drift)
        used = [(name.replace("_", "-"), f"{value:,.0f}") for name, value in self.usage.items()]
        return [
            *lines,
            *used,
            ("seconds", f"{sum(self.seconds.values()):.1f} s"),
            *stages,
            ("output", self.output_path),
        ]


@retried
def complete_runs(spark: SparkSession, layout: Layout) -> list[Summary]:
    """The summaries of all runs that ended well, the earliest first."""
    names = filesystem.names(spark, layout.runs) if filesystem.exists(spark, layout.runs) else []
    found = []
    for name in names:
        with suppress(ValueError, KeyError, TypeError):
            found.append(Summary.read(spark, f"{layout.runs}/{name}"))
    complete = [each for each in found if each.status == "complete"]
    return sorted(complete, key=lambda each: each.started)


def latest_input(spark: SparkSession, layout: Layout) -> tuple[str, str] | None:
    """Input path and glob of the last run that listed images; None where that is not recorded.

    Runs are taken by their ids, which begin with the time unless somebody chose them; of many
    only the last ones are looked at.
    """
    names = filesystem.names(spark, layout.runs) if filesystem.exists(spark, layout.runs) else []
    for name in reversed(names[-_RUNS_LOOKED_AT:]):
        with suppress(ValueError, KeyError, TypeError):
            settings = Summary.read(spark, f"{layout.runs}/{name}").settings
            images = (settings.get("featurize") or settings)["images"]
            return images["input_path"], images["glob"]
    return None


def _drift_lines(drift: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The findings, or why there are none."""
    if not drift:
        return []
    if not drift["measured"]:
        return [("drift", f"not measured: {drift['why']}")]
    return [("drift", finding) for finding in drift["findings"]] or [("drift", "none found")]


def versions(spark: SparkSession) -> dict[str, str]:
    """Versions of this program, of what it runs on and of the libraries that make numbers."""
    found = {
        "image-features": job.__version__,
        "python": platform.python_version(),
        "spark": spark.version,
    }
    jvm = spark._jvm
    assert jvm is not None
    found["java"] = str(jvm.java.lang.System.getProperty("java.version"))
    found["hadoop"] = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The revision of the checkout this code lies in; the image has it in a file instead."""
    root = Path(job.__file__).resolve().parent.parent
    recorded = root / "REVISION"
    if recorded.is_file():
        return recorded.read_text(encoding="utf-8").strip()
    if not (root / ".git").exists():
        return None
    answer = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


@retried
def committer_of(spark: SparkSession, path: str) -> str | None:
    """The committer that wrote `path`, as its _SUCCESS file names it; None where that is empty."""
    success = f"{path}/_SUCCESS"
    if not filesystem.exists(spark, success):
        return None
    content = filesystem.read_bytes(spark, success)
    return str(json.loads(content)["committer"]) if content else None
