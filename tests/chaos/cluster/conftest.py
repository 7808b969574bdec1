"""The cluster of `make kind-up`, with enough images for a run of a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.cluster.scene import Scene, upload
from tests.e2e.cluster import Cluster, session


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nothing of an earlier session runs there, and the images are in its S3."""
    with session(tmp_path_factory.mktemp("cluster")) as it:
        upload(it)
        yield it


@pytest.fixture
def scene(cluster: Cluster) -> Callable[[str], Scene]:
    """Makes the scene of a test."""
    return lambda name: Scene(name, cluster)
