"""Renders the chart with helm, as data."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.helm import find_helm

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "image-features"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


class RenderError(Exception):
    """helm refused to render; the message is helm's."""


@pytest.fixture(scope="session")
def helm() -> str:
    """The path of helm."""
    return find_helm()


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """render(values, file=..., show_only=..., release=..., arguments=...) -> manifests."""

    def render_chart(
        values: dict[str, Any] | None = None,
        *,
        file: Path | None = None,
        show_only: str | None = None,
        release: str = "fruits",
        arguments: tuple[str, ...] = (),
    ) -> list[Manifest]:
        command = [helm, "template", release, str(CHART), "--namespace", "images", *arguments]
        if file is not None:
            command += ["--values", str(file)]
        if show_only is None:
            command.append("--skip-tests")
        else:
            command += ["--show-only", f"templates/{show_only}.yaml"]
        process = subprocess.run(
            [*command, "--values", "-"],
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise RenderError(process.stderr)
        return [manifest for manifest in yaml.safe_load_all(process.stdout) if manifest]

    return render_chart


@pytest.fixture(scope="session")
def application(render: Render) -> Callable[..., Manifest]:
    """A function that renders the SparkApplication of some values."""

    def only_application(values: dict[str, Any] | None = None, **options: Any) -> Manifest:
        (manifest,) = render(values, show_only="sparkapplication", **options)
        return manifest

    return only_application
