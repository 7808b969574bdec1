"""Fixtures for several folders: the helm program, and a Kubernetes API on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.helm import find_helm
from tests.unit.deploy.submit.kubernetes_api import KubernetesApi, serving


@pytest.fixture
def helm(monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of the helm program, which is also on PATH."""
    program = find_helm()
    monkeypatch.setenv("PATH", f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesApi]:
    """An empty cluster with the spark-operator; KUBECONFIG points to it."""
    with serving(KubernetesApi()) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path)))
        yield running
