"""Failing storage: random faults, a store that refuses writes, objects that change."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.conftest import Scene
from tests.support.job_process import job
from tests.support.proxy import Cut, Fault, Request, Response, Stall

READERS = ["concurrent", "s3a"]
STALL_SECONDS = 60.0


def faults(chance: random.Random) -> Callable[[Request], Fault | None]:
    """5 % of responses are 503, 2 % are resets; 1 % of GETs are cut off, 1 % of images stall."""

    def fault(request: Request) -> Fault | None:
        number = chance.random()
        if number < 0.05:
            return Response.error(503, "SlowDown", "Please reduce your request rate.")
        if number < 0.07:
            return Cut()
        if number < 0.08 and request.kind == "GET":
            return Cut(1000)
        if number < 0.09 and request.kind == "GET" and request.key.startswith("images/"):
            return Stall(STALL_SECONDS)
        return None

    return fault


@pytest.mark.parametrize("reader", READERS)
def test_no_image_is_lost_with_random_faults_of_the_store(
    make_scene: Callable[..., Scene], chance: random.Random, reader: str
) -> None:
    scene = make_scene(6)
    scene.proxy.hook = faults(chance)
    arguments = scene.arguments("run", "--reader", reader)
    with job(*arguments, environment=scene.server.environment()) as running:
        assert running.end(900) == 0, running.output()[-3000:]
    scene.proxy.forward()
    counts = scene.counts()
    assert (counts.featurized, counts.quarantined) == (120, 0)
    assert (counts.lost, counts.duplicated) == (0, 0)


@pytest.mark.selection
def test_a_run_continues_after_the_store_refused_writes(make_scene: Callable[..., Scene]) -> None:
    """Committed images stay; when writes work again, the same command continues the run."""
    scene = make_scene(6)
    written = threading.Event()

    def refuse(request: Request) -> Fault | None:
        commit = request.kind == "PUT" and "features/_delta_log/00000000000000000002" in request.key
        if commit:
            written.set()
        if written.is_set() and request.kind in ("PUT", "POST", "DELETE"):
            return Response.error(403, "AccessDenied", "Access Denied")
        return None

    scene.proxy.hook = refuse
    featurize = scene.arguments("featurize", "--batch-images", "20")
    with job(*featurize, environment=scene.server.environment()) as running:
        running.wait_for("waiting")
        running.kill()
    scene.proxy.forward()
    with job(*featurize, environment=scene.server.environment()) as running:
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.featurized, counts.lost, counts.duplicated) == (120, 0, 0)


def test_objects_may_vanish_or_change_between_listing_and_fetch(
    make_scene: Callable[..., Scene], chance: random.Random, sample_images: Path
) -> None:
    scene = make_scene(6)
    changed, gone = chance.sample(sorted(scene.images), 2)
    other = next((sample_images / "Tomato 3").iterdir()).read_bytes()
    started = threading.Event()

    def change(request: Request) -> Fault | None:
        if request.kind == "GET" and request.key.startswith("images/") and not started.is_set():
            started.set()
            client = scene.server.client()
            client.put_object(Bucket=scene.bucket, Key=_key(changed), Body=other)
            client.delete_object(Bucket=scene.bucket, Key=_key(gone))
        return None

    scene.proxy.hook = change
    arguments = scene.arguments("featurize", "--max-bad-fraction", "0.5")
    with job(*arguments, environment=scene.server.environment()) as running:
        assert running.end() == 0, running.output()[-3000:]
    counts = scene.counts()
    assert (counts.lost, counts.duplicated) == (0, 0)
    assert (counts.featurized, counts.quarantined) == (119, 1)


def _key(path: str) -> str:
    return path.split("/", 3)[3]
