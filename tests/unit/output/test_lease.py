"""The lease on an output: one holder at a time; dead and paused holders lose their lease."""

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

pytestmark = pytest.mark.usefixtures("stopped_leases")
LEASE = 0.8


@pytest.fixture
def store(tmp_path: Path) -> LeaseStore:
    return FileStore(tmp_path / "output" / "_claim.json")


def stop_renewals(lease: Lease) -> Lease:
    """Stop the renewals, as if the holder's process were paused or dead."""
    lease._stopped.set()
    return lease


def test_the_lease_on_a_new_output_is_acquired_at_once(store: LeaseStore) -> None:
    lease = acquire(store, "first", "out", LEASE)
    version = store.read()
    assert version is not None
    assert LeaseRecord.of(version).run_id == "first"
    lease.renew()


def test_a_live_lease_is_refused_with_the_name_of_its_holder(store: LeaseStore) -> None:
    lease = acquire(store, "first", "out", LEASE)
    with pytest.raises(OutputBusyError, match="run first on "):
        acquire(store, "second", "out", LEASE)
    lease.renew()


def test_a_released_lease_is_free_at_once(store: LeaseStore) -> None:
    acquire(store, "first", "out", 60).release()
    started = time.monotonic()
    lease = acquire(store, "second", "out", 60)
    assert time.monotonic() - started < 5
    lease.renew()


def test_the_lease_of_a_dead_run_expires(store: LeaseStore) -> None:
    stop_renewals(acquire(store, "first", "out", LEASE))
    started = time.monotonic()
    lease = acquire(store, "second", "out", LEASE)
    assert time.monotonic() - started >= LEASE
    lease.renew()


def test_a_run_with_a_shorter_lease_does_not_take_a_live_lease(store: LeaseStore) -> None:
    """The time between two renewals is longer than the other run's own lease."""
    lease = acquire(store, "first", "out", 8)
    with pytest.raises(OutputBusyError, match="run first on "):
        acquire(store, "second", "out", 0.4)
    lease.renew()


def test_a_dead_lease_is_watched_for_its_own_duration(store: LeaseStore) -> None:
    stop_renewals(acquire(store, "first", "out", 2))
    started = time.monotonic()
    acquire(store, "second", "out", 0.4)
    assert time.monotonic() - started >= 2


def test_a_long_lease_is_renewed_as_often_as_a_default_one(
    store: LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier releases watch every lease for the default duration."""
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", LEASE)
    acquire(store, "first", "out", 3600)
    version = store.read()
    time.sleep(LEASE)
    assert store.read() != version


def test_an_earlier_release_can_read_a_lease(store: LeaseStore) -> None:
    """Earlier releases fail on any other field."""
    acquire(store, "first", "out", 90)
    version = store.read()
    assert version is not None
    fields = json.loads(version.content)
    assert list(fields) == ["run_id", "host", "began", "number", "renewed", "released"]
    assert fields["host"] == f"{socket.gethostname()}, lease 90 s"
    assert LeaseRecord.of(version).host == socket.gethostname()
    assert LeaseRecord.of(version).lease == 90


def test_leases_of_earlier_and_later_releases_can_be_read() -> None:
    fields = {"run_id": "r", "host": "h", "began": "b", "number": 7, "renewed": "n"}
    earlier = LeaseRecord.of(Version(json.dumps(fields | {"released": True}).encode(), "etag"))
    assert earlier == LeaseRecord("r", "h", "b", 7, "n", released=True, lease=LEASE_SECONDS)
    later = LeaseRecord.of(Version(json.dumps(fields | {"region": "eu-west-1"}).encode(), "etag"))
    assert later == LeaseRecord("r", "h", "b", 7, "n")


def test_a_lease_that_was_taken_over_and_not_fenced_expires(store: LeaseStore) -> None:
    """If it were released, the next run would assume that earlier runs cannot commit."""
    stop_renewals(acquire(store, "first", "out", LEASE))
    acquire(store, "second", "out", LEASE).release()
    started = time.monotonic()
    assert acquire(store, "third", "out", LEASE).took_over
    assert time.monotonic() - started >= LEASE


def test_the_lease_of_a_run_that_died_long_ago_is_not_watched(store: LeaseStore) -> None:
    stop_renewals(acquire(store, "first", "out", 60))
    version = store.read()
    assert version is not None
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    store.write(
        json.dumps(json.loads(version.content) | {"renewed": yesterday}).encode(), version.etag
    )
    started = time.monotonic()
    acquire(store, "second", "out", 60)
    assert time.monotonic() - started < 5


def test_a_paused_holder_that_resumes_has_lost_its_lease(store: LeaseStore) -> None:
    first = stop_renewals(acquire(store, "first", "out", LEASE))
    second = acquire(store, "second", "out", LEASE)
    first._stopped.clear()
    with pytest.raises(OutputBusyError, match="run second"):
        first.renew()
    first.release()
    second.renew()


def test_lease_numbers_increase_even_if_the_object_was_deleted(
    tmp_path: Path, store: LeaseStore
) -> None:
    first = acquire(store, "first", "out", LEASE)
    first.release()
    second = acquire(store, "second", "out", LEASE)
    second.release()
    (tmp_path / "output" / "_claim.json").unlink()
    time.sleep(1.1)
    assert first.number < second.number <= acquire(store, "third", "out", LEASE).number


def test_one_of_many_concurrent_runs_acquires_the_lease(store: LeaseStore) -> None:
    leases: list[Lease] = []
    busy: list[OutputBusyError] = []

    def run(name: str) -> None:
        try:
            leases.append(acquire(store, name, "out", LEASE))
        except OutputBusyError as error:
            busy.append(error)

    threads = [threading.Thread(target=run, args=(f"run-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == 1
    assert len(busy) == 7


def test_only_the_expected_version_is_replaced(store: LeaseStore) -> None:
    etag = store.write(b"{}", None)
    with pytest.raises(ConflictError):
        store.write(b"other", None)
    with pytest.raises(ConflictError):
        store.write(b"other", "not the etag")
    store.write(b"new", etag)
    version = store.read()
    assert version is not None
    assert version.content == b"new"
