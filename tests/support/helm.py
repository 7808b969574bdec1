"""The helm program for tests: of PATH, of the last installation, made by Go, or downloaded."""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "bin"
HELM_VERSION = "v3.19.5"
HELM_MODULE = f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"
HELM_DOWNLOADS = os.environ.get("HELM_DOWNLOADS", "https://get.helm.sh")


def find_helm() -> str:
    """The helm program. A test that needs it fails where none is and none can be installed."""
    found = shutil.which("helm") or shutil.which("helm", path=str(INSTALLED))
    if found is not None:
        return found
    INSTALLED.mkdir(parents=True, exist_ok=True)
    try:
        return _built() if shutil.which("go") else _downloaded()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(f"no helm on PATH, and it cannot be installed: {error}; fix: install helm 3")


def _built() -> str:
    environment = {**os.environ, "GOBIN": str(INSTALLED), "GOWORK": "off", "CGO_ENABLED": "0"}
    subprocess.run(["go", "install", HELM_MODULE], check=True, env=environment)
    return str(INSTALLED / "helm")


def _downloaded() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = f"{platform.system().lower()}-{machine}"
    with urlopen(f"{HELM_DOWNLOADS}/helm-{HELM_VERSION}-{folder}.tar.gz", timeout=60) as answer:
        content = io.BytesIO(answer.read())
    # Beside the program first: two processes of one test run may install it at the same time.
    beside = INSTALLED / f"helm.{os.getpid()}"
    with tarfile.open(fileobj=content) as archive:
        program = archive.extractfile(f"{folder}/helm")
        assert program is not None
        beside.write_bytes(program.read())
    beside.chmod(0o755)
    return str(beside.rename(INSTALLED / "helm"))
