"""Programs that tests of several rooms run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.helm import find_helm


@pytest.fixture
def helm(monkeypatch: pytest.MonkeyPatch) -> None:
    """helm on PATH."""
    found = find_helm()
    if found is None:
        pytest.skip("no helm on PATH, and no Go to install it")
    monkeypatch.setenv("PATH", f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}")
