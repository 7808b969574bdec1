"""Formats runs as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from job.deploy.submit.spark_application import RunStatus

_PIPE_WIDTH = 1000


def runs_table(runs: Sequence[RunStatus]) -> Table:
    """One row for each run."""
    titles = ["run"] if any(run.title for run in runs) else []
    columns = ["name", *titles, "state", "started", "duration", "progress"]
    rows = Table(*columns, box=None, pad_edge=False)
    # Names are copied to other commands: never truncate them.
    rows.columns[0].overflow = "fold"
    for run in runs:
        progress = str(run.progress or "") if not run.has_ended else ""
        names = [run.name, *([run.title] if titles else [])]
        rows.add_row(*names, run.state or "-", _started(run), _duration(run), Text(progress))
    return rows


def status_table(run: RunStatus) -> Table:
    """One row for each known field of a run."""
    fields = {
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
    for name, value in fields.items():
        if value:
            rows.add_row(name, Text(value))
    return rows


def print_table(rows: Table) -> None:
    """Print on standard output; lines in a pipe are never wrapped."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    console.print(rows, highlight=False)


def _started(run: RunStatus) -> str:
    return f"{run.started:%Y-%m-%dT%H:%M:%SZ}" if run.started else ""


def _duration(run: RunStatus) -> str:
    return "" if run.seconds is None else str(timedelta(seconds=round(run.seconds)))
