"""The cluster of `make kind-up`, with enough images for a run of a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.cluster.scene import Scene, upload
from tests.e2e.cluster import Cluster, session


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster without runs of earlier sessions, with the images in its S3."""
    with session(tmp_path_factory.mktemp("cluster")) as running:
        upload(running)
        yield running


@pytest.fixture
def make_scene(cluster: Cluster) -> Callable[[str], Scene]:
    """Creates the scene of a test."""
    return lambda name: Scene(name, cluster)
