"""Finds helm for tests: on PATH, in the cache, built by Go, or downloaded."""

from __future__ import annotations

import fcntl
import io
import os
import platform
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "bin"
HELM_VERSION = "v3.19.5"
HELM_MODULE = f"helm.sh/helm/v3/cmd/helm@{HELM_VERSION}"
HELM_DOWNLOADS = os.environ.get("HELM_DOWNLOADS", "https://get.helm.sh")


def find_helm() -> str:
    """The path of helm. The test fails if helm is missing and cannot be installed."""
    try:
        return _find_or_install()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(f"no helm on PATH, and it cannot be installed: {error}; fix: install helm 3")


def start_installation() -> None:
    """Install helm, if it is missing, while tests run that do not need it."""

    def install() -> None:
        # `find_helm` installs again, and reports the error.
        with suppress(OSError, subprocess.CalledProcessError):
            _find_or_install()

    threading.Thread(target=install, name="install-helm", daemon=True).start()


def _find_or_install() -> str:
    on_path = shutil.which("helm")
    if on_path is not None:
        return on_path
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with _lock():
        installed = shutil.which("helm", path=str(INSTALLED))
        return installed or (_build() if shutil.which("go") else _download())


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process of a test run install helm while the others wait."""
    with (INSTALLED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build() -> str:
    environment = {**os.environ, "GOBIN": str(INSTALLED), "GOWORK": "off", "CGO_ENABLED": "0"}
    # The build takes minutes on all cores; tests come first.
    subprocess.run(["nice", "go", "install", HELM_MODULE], check=True, env=environment)
    return str(INSTALLED / "helm")


def _download() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = f"{platform.system().lower()}-{machine}"
    with urlopen(f"{HELM_DOWNLOADS}/helm-{HELM_VERSION}-{folder}.tar.gz", timeout=60) as response:
        content = io.BytesIO(response.read())
    # The rename makes the whole program visible at once.
    partial = INSTALLED / "helm.part"
    with tarfile.open(fileobj=content) as archive:
        program = archive.extractfile(f"{folder}/helm")
        assert program is not None
        partial.write_bytes(program.read())
    partial.chmod(0o755)
    return str(partial.rename(INSTALLED / "helm"))
