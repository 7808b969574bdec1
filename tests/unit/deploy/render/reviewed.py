"""Golden files: reviewed output, compared with the current output.

    UPDATE_GOLDEN=1 make test ARGS=tests/unit/deploy/render/targets

rewrites them; review the difference before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")


def check(case: str, files: Mapping[str, str]) -> None:
    """Fail unless the files of a case are those that were reviewed."""
    folder = FOLDER / case
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    reviewed = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}
    assert dict(files) == reviewed, "if this is meant: see reviewed.py"
