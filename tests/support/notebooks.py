"""Notebooks of the repository, run from the first cell to the last."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CELL_SECONDS = 120


def executed(path: Path) -> NotebookNode:
    """The notebook with what its cells have put out, in this process's environment.

    Raises nbclient's CellExecutionError for a cell that fails.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        # The kernel of this Python, not one that the machine calls python3.
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    return notebook


def figures_shown(notebook: NotebookNode) -> int:
    """How many Bokeh figures the notebook shows."""
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", ())]
    return sum("application/vnd.bokehjs_exec.v0+json" in each.get("data", {}) for each in outputs)
