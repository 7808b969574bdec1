"""The helm program for tests: of PATH, else of the last installation, else installed by Go."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "bin"
HELM_MODULE = "helm.sh/helm/v3/cmd/helm@v3.19.5"


def find_helm() -> str | None:
    """The helm program; None where there is none and no Go to install it."""
    found = shutil.which("helm") or shutil.which("helm", path=str(INSTALLED))
    if found is not None or shutil.which("go") is None:
        return found
    INSTALLED.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(INSTALLED), "GOWORK": "off", "CGO_ENABLED": "0"}
    subprocess.run(["go", "install", HELM_MODULE], check=True, env=environment)
    return str(INSTALLED / "helm")
