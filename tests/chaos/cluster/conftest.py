"""The cluster of `make kind-up`, with enough images for a run of a minute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.cluster.scene import Scene, upload
from tests.e2e.cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Nothing runs there, and the images are in its S3."""
    it = Cluster()
    it.kubectl("delete", "sparkapplications", "--all")
    upload(it)
    return it


@pytest.fixture
def scene(cluster: Cluster) -> Callable[[str], Scene]:
    """Makes the scene of a test."""
    return lambda name: Scene(name, cluster)
