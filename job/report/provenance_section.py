"""The section of provenance: which code, settings and versions made this output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.report.page import Page, Shown
from job.report.report_data import ReportData


def show(page: Page) -> Shown:
    """Run, fingerprint, settings and versions."""
    return Shown({"groups": provenance(page.data)})


def provenance(data: ReportData) -> dict[str, list[tuple[str, str]]]:
    """All that says which code and which settings made this output, in groups of name, value."""
    summary = data.summary
    run = {
        "run id": summary.get("run_id"),
        "started": summary.get("started"),
        "input": summary.get("input_path"),
        "output": summary.get("output_path"),
        "git revision": summary.get("git_revision"),
    }
    groups = {
        "Run": run,
        "Fingerprint of the features": summary.get("fingerprint") or {},
        "Settings": summary.get("settings") or {},
        "Versions": summary.get("versions") or {},
    }
    return {name: _flat(values) for name, values in groups.items() if values}


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", "not set" if value is None else str(value)))
    return rows
