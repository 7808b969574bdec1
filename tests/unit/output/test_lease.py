"""The claim on an output: one holder at a time, and what becomes of a dead or a stopped one."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from job.errors import OutputBusyError
from job.output.lease import Claim, Holder, claim
from job.output.lease_store import ChangedError, ClaimStore, FileStore

LEASE = 0.8


@pytest.fixture
def store(tmp_path: Path) -> ClaimStore:
    return FileStore(tmp_path / "output" / "_claim.json")


def stopped(held: Claim) -> Claim:
    """A holder that renews no more, as if its process were stopped or dead."""
    held._over.set()
    return held


def test_a_new_output_is_claimed_at_once(store: ClaimStore) -> None:
    held = claim(store, "first", "out", LEASE)
    version = store.read()
    assert version is not None
    assert Holder.of(version).run_id == "first"
    held.check()


def test_while_its_holder_lives_another_run_is_told_who_that_is(store: ClaimStore) -> None:
    held = claim(store, "first", "out", LEASE)
    with pytest.raises(OutputBusyError, match="run first on "):
        claim(store, "second", "out", LEASE)
    held.check()


def test_what_is_released_is_free_at_once(store: ClaimStore) -> None:
    claim(store, "first", "out", 60).release()
    started = time.monotonic()
    held = claim(store, "second", "out", 60)
    assert time.monotonic() - started < 5
    held.check()


def test_the_claim_of_a_dead_run_expires(store: ClaimStore) -> None:
    stopped(claim(store, "first", "out", LEASE))
    started = time.monotonic()
    held = claim(store, "second", "out", LEASE)
    assert time.monotonic() - started >= LEASE
    held.check()


def test_the_claim_of_a_run_that_died_long_ago_is_not_watched(store: ClaimStore) -> None:
    stopped(claim(store, "first", "out", 60))
    version = store.read()
    assert version is not None
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    store.write(
        json.dumps(json.loads(version.content) | {"renewed": yesterday}).encode(), version.etag
    )
    started = time.monotonic()
    claim(store, "second", "out", 60)
    assert time.monotonic() - started < 5


def test_a_stopped_holder_that_goes_on_finds_its_claim_taken(store: ClaimStore) -> None:
    first = stopped(claim(store, "first", "out", LEASE))
    second = claim(store, "second", "out", LEASE)
    first._over.clear()
    with pytest.raises(OutputBusyError, match="run second"):
        first.check()
    first.release()
    second.check()


def test_numbers_grow_even_where_the_object_was_deleted(tmp_path: Path, store: ClaimStore) -> None:
    first = claim(store, "first", "out", LEASE)
    first.release()
    second = claim(store, "second", "out", LEASE)
    second.release()
    (tmp_path / "output" / "_claim.json").unlink()
    time.sleep(1.1)
    assert first.number < second.number <= claim(store, "third", "out", LEASE).number


def test_of_many_at_once_one_gets_it(store: ClaimStore) -> None:
    held: list[Claim] = []
    busy: list[OutputBusyError] = []

    def run(name: str) -> None:
        try:
            held.append(claim(store, name, "out", LEASE))
        except OutputBusyError as error:
            busy.append(error)

    threads = [threading.Thread(target=run, args=(f"run-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    assert len(busy) == 7


def test_a_version_that_is_not_the_expected_one_is_not_replaced(store: ClaimStore) -> None:
    etag = store.write(b"{}", None)
    with pytest.raises(ChangedError):
        store.write(b"other", None)
    with pytest.raises(ChangedError):
        store.write(b"other", "not the etag")
    store.write(b"new", etag)
    version = store.read()
    assert version is not None
    assert version.content == b"new"
