"""The claim on an output: one holder at a time, and what becomes of a dead or a stopped one."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from job.errors import OutputBusyError
from job.output import lease as lease_module
from job.output.lease import LEASE_SECONDS, Lease, LeaseRecord, acquire
from job.output.lease_store import ConflictError, FileStore, LeaseStore, Version

LEASE = 0.8


@pytest.fixture
def store(tmp_path: Path) -> LeaseStore:
    return FileStore(tmp_path / "output" / "_claim.json")


def stopped(held: Lease) -> Lease:
    """A holder that renews no more, as if its process were stopped or dead."""
    held._over.set()
    return held


def test_a_new_output_is_claimed_at_once(store: LeaseStore) -> None:
    held = acquire(store, "first", "out", LEASE)
    version = store.read()
    assert version is not None
    assert LeaseRecord.of(version).run_id == "first"
    held.renew()


def test_while_its_holder_lives_another_run_is_told_who_that_is(store: LeaseStore) -> None:
    held = acquire(store, "first", "out", LEASE)
    with pytest.raises(OutputBusyError, match="run first on "):
        acquire(store, "second", "out", LEASE)
    held.renew()


def test_what_is_released_is_free_at_once(store: LeaseStore) -> None:
    acquire(store, "first", "out", 60).release()
    started = time.monotonic()
    held = acquire(store, "second", "out", 60)
    assert time.monotonic() - started < 5
    held.renew()


def test_the_claim_of_a_dead_run_expires(store: LeaseStore) -> None:
    stopped(acquire(store, "first", "out", LEASE))
    started = time.monotonic()
    held = acquire(store, "second", "out", LEASE)
    assert time.monotonic() - started >= LEASE
    held.renew()


def test_a_live_claim_is_not_stolen_by_a_run_of_shorter_claim_seconds(store: LeaseStore) -> None:
    """It is renewed less often than the other would watch it."""
    held = acquire(store, "first", "out", 8)
    with pytest.raises(OutputBusyError, match="run first on "):
        acquire(store, "second", "out", 0.4)
    held.renew()


def test_a_dead_claim_is_watched_for_its_own_duration(store: LeaseStore) -> None:
    stopped(acquire(store, "first", "out", 2))
    started = time.monotonic()
    acquire(store, "second", "out", 0.4)
    assert time.monotonic() - started >= 2


def test_a_long_claim_is_renewed_as_often_as_one_of_the_default(
    store: LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier release watches it for its own duration, which is that of the default."""
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", LEASE)
    acquire(store, "first", "out", 3600)
    before = store.read()
    time.sleep(LEASE)
    assert store.read() != before


def test_an_earlier_release_can_read_a_claim(store: LeaseStore) -> None:
    """It knows these fields, and fails on any other."""
    acquire(store, "first", "out", 90)
    version = store.read()
    assert version is not None
    fields = json.loads(version.content)
    assert list(fields) == ["run_id", "host", "began", "number", "renewed", "released"]
    assert fields["host"] == f"{socket.gethostname()}, lease 90 s"
    assert LeaseRecord.of(version).host == socket.gethostname()
    assert LeaseRecord.of(version).lease == 90


def test_claims_of_earlier_and_of_later_releases_are_read() -> None:
    fields = {"run_id": "r", "host": "h", "began": "b", "number": 7, "renewed": "n"}
    earlier = LeaseRecord.of(Version(json.dumps(fields | {"released": True}).encode(), "etag"))
    assert earlier == LeaseRecord("r", "h", "b", 7, "n", released=True, lease=LEASE_SECONDS)
    later = LeaseRecord.of(Version(json.dumps(fields | {"region": "eu-west-1"}).encode(), "etag"))
    assert later == LeaseRecord("r", "h", "b", 7, "n")


def test_a_run_that_took_over_and_fenced_nothing_leaves_its_claim_to_expire(
    store: LeaseStore,
) -> None:
    """Else the next run would take it that no earlier one can commit any more."""
    stopped(acquire(store, "first", "out", LEASE))
    acquire(store, "second", "out", LEASE).release()
    started = time.monotonic()
    assert acquire(store, "third", "out", LEASE).took_over
    assert time.monotonic() - started >= LEASE


def test_the_claim_of_a_run_that_died_long_ago_is_not_watched(store: LeaseStore) -> None:
    stopped(acquire(store, "first", "out", 60))
    version = store.read()
    assert version is not None
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    store.write(
        json.dumps(json.loads(version.content) | {"renewed": yesterday}).encode(), version.etag
    )
    started = time.monotonic()
    acquire(store, "second", "out", 60)
    assert time.monotonic() - started < 5


def test_a_stopped_holder_that_goes_on_finds_its_claim_taken(store: LeaseStore) -> None:
    first = stopped(acquire(store, "first", "out", LEASE))
    second = acquire(store, "second", "out", LEASE)
    first._over.clear()
    with pytest.raises(OutputBusyError, match="run second"):
        first.renew()
    first.release()
    second.renew()


def test_numbers_grow_even_where_the_object_was_deleted(tmp_path: Path, store: LeaseStore) -> None:
    first = acquire(store, "first", "out", LEASE)
    first.release()
    second = acquire(store, "second", "out", LEASE)
    second.release()
    (tmp_path / "output" / "_claim.json").unlink()
    time.sleep(1.1)
    assert first.number < second.number <= acquire(store, "third", "out", LEASE).number


def test_of_many_at_once_one_gets_it(store: LeaseStore) -> None:
    held: list[Lease] = []
    busy: list[OutputBusyError] = []

    def run(name: str) -> None:
        try:
            held.append(acquire(store, name, "out", LEASE))
        except OutputBusyError as error:
            busy.append(error)

    threads = [threading.Thread(target=run, args=(f"run-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    assert len(busy) == 7


def test_a_version_that_is_not_the_expected_one_is_not_replaced(store: LeaseStore) -> None:
    etag = store.write(b"{}", None)
    with pytest.raises(ConflictError):
        store.write(b"other", None)
    with pytest.raises(ConflictError):
        store.write(b"other", "not the etag")
    store.write(b"new", etag)
    version = store.read()
    assert version is not None
    assert version.content == b"new"
