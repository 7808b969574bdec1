"""The provenance section: the code, settings and versions that produced the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from job.report.page import Page, SectionContent
from job.report.report_data import ReportData


def build(page: Page) -> SectionContent:
    """Run, fingerprint, settings and versions."""
    return SectionContent({"groups": provenance_groups(page.data)})


def provenance_groups(data: ReportData) -> dict[str, list[tuple[str, str]]]:
    """(name, value) rows by group; empty groups are omitted."""
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
    return {name: _flatten(values) for name, values in groups.items() if values}


def _flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", "not set" if value is None else str(value)))
    return rows
