"""Storage that fails: seeded faults of all kinds, expired credentials, objects that change."""

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
    """5 % of answers 503, 2 % resets, 1 % cut off; of the images' GETs one in a hundred stalls."""

    def fault(request: Request) -> Fault | None:
        drawn = chance.random()
        if drawn < 0.05:
            return Response.error(503, "SlowDown", "Please reduce your request rate.")
        if drawn < 0.07:
            return Cut()
        if drawn < 0.08 and request.kind == "GET":
            return Cut(1000)
        if drawn < 0.09 and request.kind == "GET" and request.key.startswith("images/"):
            return Stall(STALL_SECONDS)
        return None

    return fault


@pytest.mark.parametrize("reader", READERS)
def test_seeded_faults_of_the_store(
    scene: Callable[..., Scene], chance: random.Random, reader: str
) -> None:
    here = scene(6)
    here.proxy.hook = faults(chance)
    arguments = here.arguments("run", "--reader", reader)
    with job(*arguments, environment=here.server.environment()) as running:
        assert running.end(900) == 0, running.told()[-3000:]
    here.proxy.forward()
    found = here.counts()
    assert (found.featurized, found.quarantined) == (120, 0)
    assert (found.lost, found.duplicated) == (0, 0)


@pytest.mark.selection
def test_the_output_cannot_be_written_half_way(scene: Callable[..., Scene]) -> None:
    """What was committed stays; once it can be written again, the same command goes on."""
    here = scene(6)
    written = threading.Event()

    def refuse(request: Request) -> Fault | None:
        commit = request.kind == "PUT" and "features/_delta_log/00000000000000000002" in request.key
        if commit:
            written.set()
        if written.is_set() and request.kind in ("PUT", "POST", "DELETE"):
            return Response.error(403, "AccessDenied", "Access Denied")
        return None

    here.proxy.hook = refuse
    featurize = here.arguments("featurize", "--batch-images", "20")
    with job(*featurize, environment=here.server.environment()) as running:
        running.wait_for("waiting")
        running.kill()
    here.proxy.forward()
    with job(*featurize, environment=here.server.environment()) as running:
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.featurized, found.lost, found.duplicated) == (120, 0, 0)


def test_objects_go_and_change_between_listing_and_fetch(
    scene: Callable[..., Scene], chance: random.Random, sample_images: Path
) -> None:
    here = scene(6)
    changed, gone = chance.sample(sorted(here.images), 2)
    other = next((sample_images / "Tomato 3").iterdir()).read_bytes()
    began = threading.Event()

    def change(request: Request) -> Fault | None:
        if request.kind == "GET" and request.key.startswith("images/") and not began.is_set():
            began.set()
            client = here.server.client()
            client.put_object(Bucket=here.bucket, Key=_key(changed), Body=other)
            client.delete_object(Bucket=here.bucket, Key=_key(gone))
        return None

    here.proxy.hook = change
    arguments = here.arguments("featurize", "--max-bad-fraction", "0.5")
    with job(*arguments, environment=here.server.environment()) as running:
        assert running.end() == 0, running.told()[-3000:]
    found = here.counts()
    assert (found.lost, found.duplicated) == (0, 0)
    assert (found.featurized, found.quarantined) == (119, 1)


def _key(path: str) -> str:
    return path.split("/", 3)[3]
