"""`make kind-up` and `make kind-run` on the cluster that is there, with another one exported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import ROOT, SESSION, Cluster
from tests.e2e.test_doctor import operator_release
from tests.unit.deploy.submit.kubernetes_api import KubernetesApi, serving

Make = Callable[..., str]


@pytest.fixture
def exported(tmp_path: Path) -> Iterator[tuple[KubernetesApi, Path]]:
    """Another cluster, which notes what it is asked, and its kubeconfig."""
    with serving(KubernetesApi()) as api:
        yield api, api.kubeconfig(tmp_path)


@pytest.fixture
def make(cluster: Cluster, exported: tuple[KubernetesApi, Path]) -> Iterator[Make]:
    """make(target, *variables) -> its output, with the other cluster as KUBECONFIG.

    Images and venv are those of the tests.
    """
    cluster.skip_if_shared()
    venv = Path(sys.executable).parents[1]
    old = [f"--old-file={each}" for each in ("image", "image-s3", f"{venv}/.installed")]
    outer = ("MAKEFLAGS", "MAKELEVEL")
    environment = {name: text for name, text in os.environ.items() if name not in outer}

    def run(target: str, *variables: str) -> str:
        ended = subprocess.run(
            ["make", target, *old, f"VENV={venv}", *variables],
            env=environment | {"KUBECONFIG": str(exported[1])},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    yield run
    assert exported[0].requests == []


def test_kind_run_makes_a_report_of_the_sample(make: Make) -> None:
    run = f"RELEASE={SESSION}", "RUN_ID=by-make"
    output = make("kind-run", *run)
    assert f"{SESSION}-by-make is COMPLETED" in output
    assert (ROOT / "build" / "kind-run" / "by-make" / "report" / "index.html").is_file()


def test_kind_up_leaves_the_operator_as_it_is(cluster: Cluster, make: Make) -> None:
    before = operator_revision(cluster)
    assert make("kind-up").splitlines()[-1].startswith("export KUBECONFIG=")
    assert operator_revision(cluster) == before


def operator_revision(cluster: Cluster) -> int:
    """How often helm has changed the operator."""
    return int(operator_release(cluster, "status")["version"])
