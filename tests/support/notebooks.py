"""Runs notebooks of the repository."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CELL_SECONDS = 120


def executed(path: Path) -> NotebookNode:
    """Run all cells in the environment of this process; returns the notebook with its outputs.

    Raises nbclient's CellExecutionError if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        # The kernel of this Python, not of the python3 on the machine.
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    return notebook


def figures_shown(notebook: NotebookNode) -> int:
    """Number of Bokeh figures in the outputs."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return sum(
        "application/vnd.bokehjs_exec.v0+json" in output.get("data", {}) for output in outputs
    )
