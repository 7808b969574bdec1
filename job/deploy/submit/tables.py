"""Runs as tables for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from job.deploy.submit.spark_application import Observed

_WIDTH_OF_A_PIPE = 1000


def table(found: Sequence[Observed]) -> Table:
    """One row a run."""
    titles = ["run"] if any(run.title for run in found) else []
    columns = ["name", *titles, "state", "started", "duration", "progress"]
    rows = Table(*columns, box=None, pad_edge=False)
    # Names are for copying: never shortened to fit.
    rows.columns[0].overflow = "fold"
    for run in found:
        progress = str(run.progress or "") if not run.has_ended else ""
        names = [run.name, *([run.title] if titles else [])]
        rows.add_row(*names, run.state or "-", _started(run), _duration(run), Text(progress))
    return rows


def details(run: Observed) -> Table:
    """One row for each thing that is known of a run."""
    known = {
        "name": run.name,
        "run": run.title,
        "state": run.state or "not seen by the operator yet",
        "started": _started(run),
        "duration": _duration(run),
        "attempts": str(run.attempts or ""),
        "driver": run.driver,
        "waiting for": run.waiting_for,
        "progress": str(run.progress or "") if not run.has_ended else "",
        "exit code": "" if run.exit_code is None else str(run.exit_code),
        "reason": run.reason,
    }
    rows = Table(show_header=False, box=None, pad_edge=False)
    for name, value in known.items():
        if value:
            rows.add_row(name, Text(value))
    return rows


def show(rows: Table) -> None:
    """Print it on standard output; a pipe gets whole lines, whatever their length."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_OF_A_PIPE)
    console.print(rows, highlight=False)


def _started(run: Observed) -> str:
    return f"{run.started:%Y-%m-%dT%H:%M:%SZ}" if run.started else ""


def _duration(run: Observed) -> str:
    return "" if run.seconds is None else str(timedelta(seconds=round(run.seconds)))
