"""The lease on an output: one run at a time writes there, and the lease of a dead run expires.

The holder renews its lease. A run that wants the lease watches it for a renewal by its own clock,
because the clocks of machines differ. A run that lost its lease may still try to write: the tables
refuse its commits, because they store the number of the latest lease (job/output/tables.py).
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from operator import attrgetter

from job.config import LEASE_SECONDS
from job.errors import OutputBusyError
from job.output.lease_store import ConflictError, LeaseStore, Version
from job.runtime.retries import retried
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

# A lease is renewed four times before it expires, and at least every 15 s: releases that ignore
# the stored duration watch a lease for their own.
_RENEWALS = 4
_POLL_SECONDS = 1.0
# Clocks differ by less than this: a lease that expired longer ago is not watched.
_LONG_DEAD_SECONDS = 3600.0
# The duration is stored in the field `host`: earlier releases fail on unknown fields.
_HOST_AND_LEASE = re.compile(r"(?P<host>.*), lease (?P<lease>\S+) s")


@dataclass(frozen=True)
class LeaseRecord:
    """The stored lease: its holder, and the time of the last renewal (`renewed`, UTC).

    `number` increases with each lease on an output. `lease` is the duration: the lease expires
    after that many seconds without a renewal.
    """

    run_id: str
    host: str
    began: str
    number: int
    renewed: str
    released: bool = False
    lease: float = LEASE_SECONDS

    def to_json(self) -> bytes:
        """The stored object, with only the fields that every release knows."""
        stored = asdict(self) | {"host": f"{self.host}, lease {self.lease:g} s"}
        del stored["lease"]
        return json.dumps(stored, indent=2).encode()

    @classmethod
    def of(cls, version: Version) -> LeaseRecord:
        """The stored record. Ignores unknown fields; the default duration is LEASE_SECONDS."""
        stored = json.loads(version.content)
        values = {item.name: stored[item.name] for item in fields(cls) if item.name in stored}
        match = _HOST_AND_LEASE.fullmatch(values["host"])
        if match:
            values |= {"host": match["host"], "lease": float(match["lease"])}
        return cls(**values)


@dataclass
class Lease:
    """A lease that this process holds until it calls `release` or loses the lease.

    `predecessor` is the record of the previous holder. It is None if there was no lease object,
    which may have been deleted.
    """

    store: LeaseStore
    record: LeaseRecord
    output: str
    _etag: str
    predecessor: LeaseRecord | None
    _fenced: bool = field(default=False, init=False)
    _lock: threading.Lock = field(init=False)
    _stopped: threading.Event = field(init=False)

    def __post_init__(self) -> None:
        self._lock, self._stopped = threading.Lock(), threading.Event()

    @property
    def number(self) -> int:
        """Larger than the number of every earlier lease on this output."""
        return self.record.number

    @property
    def took_over(self) -> bool:
        """Whether the previous holder did not release its lease: it may resume and commit."""
        return self.predecessor is not None and not self.predecessor.released

    @retried
    def renew(self) -> None:
        """Renew the lease now. Raises OutputBusyError if another run has taken it over."""
        try:
            self._write(replace(self.record, renewed=_now()))
        except ConflictError as error:
            raise self.lost_error() from error

    def lost_error(self) -> OutputBusyError:
        """The error of a run that has lost this lease; it names the new holder."""
        version = self.store.read()
        current = None if version is None else LeaseRecord.of(version)
        return _busy_error(
            None if current is None or self._is_ours(current) else current, self.output
        )

    def mark_fenced(self) -> None:
        """Record that both tables have the number of this lease (Tables.fence)."""
        self._fenced = True

    def release(self) -> None:
        """Free the lease at once; otherwise other runs wait until it expires.

        A lease that was taken over and is not marked as fenced is left to expire: then the next run
        fences the tables.
        """
        self._stopped.set()
        if self.took_over and not self._fenced:
            return
        # A lost lease needs no release; if the storage fails, the lease expires.
        with suppress(ConflictError, OSError, *STORAGE_EXCEPTIONS):
            self._write(replace(self.record, renewed=_now(), released=True))

    def start_renewals(self) -> None:
        """Renew the lease regularly in a background thread."""
        threading.Thread(target=self._renew_regularly, name="renew-lease", daemon=True).start()

    def _renew_regularly(self) -> None:
        while not self._stopped.wait(min(self.record.lease, LEASE_SECONDS) / _RENEWALS):
            # The next `renew` reports a lost lease. A failed request is repeated soon.
            with suppress(ConflictError, OSError, *STORAGE_EXCEPTIONS):
                self._write(replace(self.record, renewed=_now()))

    def _write(self, record: LeaseRecord) -> None:
        with self._lock:
            if self._stopped.is_set() and not record.released:
                return
            try:
                self._etag = self.store.write(record.to_json(), self._etag)
            except ConflictError:
                # The response to the last renewal may have been lost: then the version is our own.
                current = self.store.read()
                if current is None or not self._is_ours(LeaseRecord.of(current)):
                    raise
                self._etag = self.store.write(record.to_json(), current.etag)

    def _is_ours(self, stored: LeaseRecord) -> bool:
        # The time of the last renewal may differ.
        identity = attrgetter("number", "run_id", "began")
        return bool(identity(stored) == identity(self.record))


def acquire(store: LeaseStore, run_id: str, output: str, seconds: float = LEASE_SECONDS) -> Lease:
    """Acquire the lease on `output` for `run_id`; without renewal it expires after `seconds`.

    A lease of another run is watched for `seconds`, or for its own duration if that is longer.
    Raises OutputBusyError if its holder renews it.
    """
    while True:
        previous = _wait_until_free(store, output, seconds)
        predecessor = LeaseRecord.of(previous) if previous else None
        number = max(predecessor.number + 1 if predecessor else 0, int(time.time()))
        record = LeaseRecord(run_id, socket.gethostname(), _now(), number, _now(), lease=seconds)
        try:
            etag = store.write(record.to_json(), previous.etag if previous else None)
        except ConflictError:
            # Another run was faster: watch its lease like any other.
            continue
        lease = Lease(store, record, output, etag, predecessor)
        lease.start_renewals()
        return lease


def _wait_until_free(store: LeaseStore, output: str, seconds: float) -> Version | None:
    """The version for a new lease to replace, once it is released or expired; None for no object.

    Raises OutputBusyError if the holder renews the lease.
    """
    version = store.read()
    if version is None:
        return None
    holder = LeaseRecord.of(version)
    watch_seconds = max(seconds, holder.lease)
    if _is_free(holder, watch_seconds):
        return version
    print(
        f"run {holder.run_id} holds the lease on {output}: "
        f"waiting up to {watch_seconds:.0f} s for a renewal",
        file=sys.stderr,
        flush=True,
    )
    deadline = time.monotonic() + watch_seconds
    while time.monotonic() < deadline:
        time.sleep(min(_POLL_SECONDS, seconds / _RENEWALS))
        current = store.read()
        if current is None or LeaseRecord.of(current).released:
            return current
        if current.etag != version.etag:
            raise _busy_error(LeaseRecord.of(current), output)
    return version


def _is_free(holder: LeaseRecord, seconds: float) -> bool:
    age = (datetime.now(UTC) - datetime.fromisoformat(holder.renewed)).total_seconds()
    return holder.released or age > _LONG_DEAD_SECONDS + seconds


def _busy_error(holder: LeaseRecord | None, output: str) -> OutputBusyError:
    who = "another run"
    if holder is not None:
        who = f"run {holder.run_id} on {holder.host} (since {holder.began})"
    return OutputBusyError(
        f"{who} works on {output}",
        expected="one run at a time on an output",
        fix="wait until it has ended, or use another --output",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
