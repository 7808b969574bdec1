"""The helm program for tests: of PATH, of the last installation, made by Go, or downloaded."""

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
    """The helm program. A test that needs it fails where none is and none can be installed."""
    try:
        return _found_or_installed()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(f"no helm on PATH, and it cannot be installed: {error}; fix: install helm 3")


def begin_installing() -> None:
    """Install helm where there is none, beside tests that do not need it."""

    def install() -> None:
        # What fails here fails again, and is told, when a test asks for helm.
        with suppress(OSError, subprocess.CalledProcessError):
            _found_or_installed()

    threading.Thread(target=install, name="install-helm", daemon=True).start()


def _found_or_installed() -> str:
    on_path = shutil.which("helm")
    if on_path is not None:
        return on_path
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with _alone():
        installed = shutil.which("helm", path=str(INSTALLED))
        return installed or (_built() if shutil.which("go") else _downloaded())


@contextmanager
def _alone() -> Iterator[None]:
    """One process of a test run installs, the others wait for it."""
    with (INSTALLED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _built() -> str:
    environment = {**os.environ, "GOBIN": str(INSTALLED), "GOWORK": "off", "CGO_ENABLED": "0"}
    # Minutes of all cores, which tests have before it.
    subprocess.run(["nice", "go", "install", HELM_MODULE], check=True, env=environment)
    return str(INSTALLED / "helm")


def _downloaded() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = f"{platform.system().lower()}-{machine}"
    with urlopen(f"{HELM_DOWNLOADS}/helm-{HELM_VERSION}-{folder}.tar.gz", timeout=60) as answer:
        content = io.BytesIO(answer.read())
    # Beside the program first: whoever finds it there finds all of it.
    beside = INSTALLED / "helm.part"
    with tarfile.open(fileobj=content) as archive:
        program = archive.extractfile(f"{folder}/helm")
        assert program is not None
        beside.write_bytes(program.read())
    beside.chmod(0o755)
    return str(beside.rename(INSTALLED / "helm"))
