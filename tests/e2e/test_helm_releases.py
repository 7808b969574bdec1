"""Several runs of one Helm release: fit on one folder, then project another onto it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.e2e.cluster import OUTPUTS, ROOT, Cluster, release
from tests.e2e.conftest import WatchedRun

RELEASE = release("fruits")
WATCHED, OTHER = f"s3a://results/{OUTPUTS}/watched", f"s3a://results/{OUTPUTS}/other"


def upgrade(cluster: Cluster, values: dict[str, Any]) -> str:
    """`helm upgrade --install` with these values; the application's name."""
    cluster.chart(values, "upgrade", "--install", RELEASE)
    return f"{RELEASE}-{values['runId']}"


@pytest.fixture
def release(cluster: Cluster) -> Iterator[None]:
    yield
    uninstalled = cluster.helm("uninstall", RELEASE)
    assert uninstalled.returncode == 0, uninstalled.stderr


@pytest.mark.usefixtures("release")
def test_fit_on_one_folder_and_project_another(
    cluster: Cluster, watched_run: WatchedRun, tmp_path: Path
) -> None:
    (variety, *_) = sorted((ROOT / "examples" / "images").iterdir())
    cluster.put("images", f"other/{variety.name}", variety)

    fit = upgrade(cluster, {"runId": "fit", "command": "fit", "arguments": ["--output", WATCHED]})
    assert cluster.wait(fit) == "COMPLETED"

    arguments = ["--bundle", f"{WATCHED}/pca", "--input", "s3a://images/other", "--output", OTHER]
    project = upgrade(cluster, {"runId": "project", "command": "project", "arguments": arguments})
    assert cluster.wait(project) == "COMPLETED"

    output = cluster.fetch("results", f"{OUTPUTS}/other", tmp_path)
    assert DeltaTable(output / "features").to_pyarrow_table().num_rows == 20
    assert cluster.state(fit) == "COMPLETED", "the first run is still there after the upgrade"
