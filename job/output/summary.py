"""The summary of a run: runs/<run_id>.json, and a table on the console."""

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
    "onnxruntime",
    "numpy",
    "pyarrow",
    "pillow",
    "obstore",
    "xgboost-cpu",
    "xgboost",
)

# The number of recent runs in which an export looks for the input of an output.
_MAX_RUNS_SEARCHED = 20


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
    """The results of a run, filled in by its steps. `settings` are the job's and hold no secret."""

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
        names = {item.name for item in fields(cls)}
        content["counts"] = Counts(**content["counts"])
        return cls(**{name: value for name, value in content.items() if name in names})

    def write(self, spark: SparkSession, path: str) -> None:
        """Write the summary to `path`, replacing an earlier one."""
        filesystem.write_bytes(spark, path, self.to_json().encode())

    def print_table(self, console: Console) -> None:
        """Print the summary as a table of two columns."""
        table = Table(
            title=f"{self.command} {self.run_id}", show_header=False, title_justify="left"
        )
        for name, value in self._lines():
            table.add_row(name, value)
        console.print(table)

    def _lines(self) -> list[tuple[str, str]]:
        values = asdict(self.counts) if self.input_path or self.counts.listed else {}
        counts = [(name, f"{value:,}") for name, value in values.items()]
        reasons = [
            (f"  {reason}", f"{count:,}") for reason, count in self.quarantine_reasons.items()
        ]
        steps = [(f"  {step}", f"{seconds:.1f} s") for step, seconds in self.seconds.items()]
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
        usage = [(name.replace("_", "-"), f"{value:,.0f}") for name, value in self.usage.items()]
        return [
            *lines,
            *usage,
            ("seconds", f"{sum(self.seconds.values()):.1f} s"),
            *steps,
            ("output", self.output_path),
        ]


@retried
def complete_runs(spark: SparkSession, layout: Layout) -> list[Summary]:
    """The summaries of all complete runs, earliest first."""
    names = filesystem.names(spark, layout.runs) if filesystem.exists(spark, layout.runs) else []
    summaries = []
    for name in names:
        with suppress(ValueError, KeyError, TypeError):
            summaries.append(Summary.read(spark, f"{layout.runs}/{name}"))
    complete = [summary for summary in summaries if summary.status == "complete"]
    return sorted(complete, key=lambda summary: summary.started)


def latest_input(spark: SparkSession, layout: Layout) -> tuple[str, str] | None:
    """Input path and glob of the last run that listed images; None if no recent run did.

    Runs are in the order of their ids, which start with the time unless the user chose them.
    """
    names = filesystem.names(spark, layout.runs) if filesystem.exists(spark, layout.runs) else []
    for name in reversed(names[-_MAX_RUNS_SEARCHED:]):
        with suppress(ValueError, KeyError, TypeError):
            settings = Summary.read(spark, f"{layout.runs}/{name}").settings
            images = (settings.get("featurize") or settings)["images"]
            return images["input_path"], images["glob"]
    return None


def _drift_lines(drift: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The drift findings, or the reason why there are none."""
    if not drift:
        return []
    if not drift["measured"]:
        return [("drift", f"not measured: {drift['why']}")]
    return [("drift", finding) for finding in drift["findings"]] or [("drift", "none found")]


def versions(spark: SparkSession) -> dict[str, str]:
    """Versions of this program, of its platform and of the numeric libraries."""
    result = {
        "image-features": job.__version__,
        "python": platform.python_version(),
        "spark": spark.version,
    }
    jvm = spark._jvm
    assert jvm is not None
    result["java"] = str(jvm.java.lang.System.getProperty("java.version"))
    result["hadoop"] = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    for library in LIBRARIES:
        try:
            result[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return result


def git_revision() -> str | None:
    """The git revision of this code, from its checkout or from the container image's file."""
    root = Path(job.__file__).resolve().parent.parent
    recorded = root / "REVISION"
    if recorded.is_file():
        return recorded.read_text(encoding="utf-8").strip()
    if not (root / ".git").exists():
        return None
    process = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return process.stdout.strip() or None


@retried
def committer_of(spark: SparkSession, path: str) -> str | None:
    """The committer named in the _SUCCESS file of `path`; None if it names none."""
    success = f"{path}/_SUCCESS"
    if not filesystem.exists(spark, success):
        return None
    content = filesystem.read_bytes(spark, success)
    return str(json.loads(content)["committer"]) if content else None
