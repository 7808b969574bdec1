"""Where helm is found: on PATH, else where the last installation put it."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "bin"


def find_helm() -> str | None:
    """The helm program; None where there is none."""
    return shutil.which("helm") or shutil.which("helm", path=str(INSTALLED))
