"""The claim on an output: one run at a time writes there, and a dead one's claim expires.

Who holds it renews it. Who wants it looks whether it is renewed, by a clock of its own: clocks of
machines are never compared. What a stopped holder still writes after its claim has gone to
another is refused by the tables, which know the number of each claim (job/output/tables.py).
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

# A claim is renewed four times before it expires. One of an hour too is renewed every 15 s:
# releases that do not read its duration watch it for their own.
_RENEWALS = 4
_POLL_SECONDS = 1.0
# No clocks differ by this much: such a claim need not be watched.
_LONG_DEAD_SECONDS = 3600.0
# The duration is kept in the field `host`: earlier releases fail on a field that they do not know.
_HOST_AND_LEASE = re.compile(r"(?P<host>.*), lease (?P<lease>\S+) s")


@dataclass(frozen=True)
class LeaseRecord:
    """Who holds a claim: `number` grows with each claim on an output, `renewed` is in UTC.

    `lease` is after how many seconds without a renewal the claim has expired.
    """

    run_id: str
    host: str
    began: str
    number: int
    renewed: str
    released: bool = False
    lease: float = LEASE_SECONDS

    def to_json(self) -> bytes:
        """The object that `of` reads, with the fields that every release knows."""
        stored = asdict(self) | {"host": f"{self.host}, lease {self.lease:g} s"}
        del stored["lease"]
        return json.dumps(stored, indent=2).encode()

    @classmethod
    def of(cls, version: Version) -> LeaseRecord:
        """The holder that is stored: one without a lease has LEASE_SECONDS, unknown fields go."""
        stored = json.loads(version.content)
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        found = _HOST_AND_LEASE.fullmatch(known["host"])
        if found:
            known |= {"host": found["host"], "lease": float(found["lease"])}
        return cls(**known)


@dataclass
class Lease:
    """A claim that this process holds until `release`, or until it finds that it has lost it.

    `predecessor` is who held it before, None where no claim was there: it may have been deleted.
    `fenced` says that both tables know the number of this claim (Tables.fence).
    """

    store: LeaseStore
    record: LeaseRecord
    output: str
    _etag: str
    predecessor: LeaseRecord | None
    fenced: bool = False
    _lock: threading.Lock = field(init=False)
    _over: threading.Event = field(init=False)

    def __post_init__(self) -> None:
        self._lock, self._over = threading.Lock(), threading.Event()

    @property
    def number(self) -> int:
        """Larger than that of every claim on this output before."""
        return self.record.number

    @property
    def took_over(self) -> bool:
        """Whether an earlier run has not released its claim: it may go on, and try to commit."""
        return self.predecessor is not None and not self.predecessor.released

    @retried
    def renew(self) -> None:
        """Renew the claim now. Raises OutputBusyError where another run has taken it over."""
        try:
            self._write(replace(self.record, renewed=_now()))
        except ConflictError as error:
            raise self.lost() from error

    def lost(self) -> OutputBusyError:
        """The error of a run that has lost this claim: it names who has it now."""
        version = self.store.read()
        now = None if version is None else LeaseRecord.of(version)
        return _busy(None if now is None or self._is_ours(now) else now, self.output)

    def release(self) -> None:
        """Let others in at once; without this they wait until the claim expires.

        One that was taken over is left to expire if it is not `fenced`: the next run fences then.
        """
        self._over.set()
        if self.took_over and not self.fenced:
            return
        # Lost, or the storage is gone: then it expires, or has.
        with suppress(ConflictError, OSError, *STORAGE_EXCEPTIONS):
            self._write(replace(self.record, renewed=_now(), released=True))

    def keep(self) -> None:
        """Renew it from time to time, in a thread of its own."""
        threading.Thread(target=self._renew, name="renew-claim", daemon=True).start()

    def _renew(self) -> None:
        while not self._over.wait(min(self.record.lease, LEASE_SECONDS) / _RENEWALS):
            # Lost: the next check says so. Refused for now: the next renewal comes soon.
            with suppress(ConflictError, OSError, *STORAGE_EXCEPTIONS):
                self._write(replace(self.record, renewed=_now()))

    def _write(self, holder: LeaseRecord) -> None:
        with self._lock:
            if self._over.is_set() and not holder.released:
                return
            try:
                self._etag = self.store.write(holder.to_json(), self._etag)
            except ConflictError:
                # By ourselves, where the answer to our last renewal was lost.
                now = self.store.read()
                if now is None or not self._is_ours(LeaseRecord.of(now)):
                    raise
                self._etag = self.store.write(holder.to_json(), now.etag)

    def _is_ours(self, stored: LeaseRecord) -> bool:
        # What is stored may have another time of renewal.
        identity = attrgetter("number", "run_id", "began")
        return bool(identity(stored) == identity(self.record))


def acquire(store: LeaseStore, run_id: str, output: str, lease: float = LEASE_SECONDS) -> Lease:
    """Lease `output` for `run_id`, to be renewed within `lease` seconds.

    A claim that may be dead is watched for that long, or for its own duration if that is longer.
    Raises OutputBusyError where its holder lives.
    """
    while True:
        before = _free(store, output, lease)
        last = LeaseRecord.of(before) if before else None
        number = max(last.number + 1 if last else 0, int(time.time()))
        holder = LeaseRecord(run_id, socket.gethostname(), _now(), number, _now(), lease=lease)
        try:
            etag = store.write(holder.to_json(), before.etag if before else None)
        except ConflictError:
            # Another was faster: it is looked at like any other.
            continue
        held = Lease(store, holder, output, etag, predecessor=last)
        held.keep()
        return held


def _free(store: LeaseStore, output: str, lease: float) -> Version | None:
    """What the claim is replaced by, once it is released or has expired. Raises OutputBusyError."""
    first = store.read()
    if first is None:
        return None
    holder = LeaseRecord.of(first)
    seconds = max(lease, holder.lease)
    if _is_free(holder, seconds):
        return first
    print(
        f"run {holder.run_id} has claimed {output}: watching it for up to {seconds:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(min(_POLL_SECONDS, lease / _RENEWALS))
        now = store.read()
        if now is None or LeaseRecord.of(now).released:
            return now
        if now.etag != first.etag:
            raise _busy(LeaseRecord.of(now), output)
    return first


def _is_free(holder: LeaseRecord, seconds: float) -> bool:
    age = (datetime.now(UTC) - datetime.fromisoformat(holder.renewed)).total_seconds()
    return holder.released or age > _LONG_DEAD_SECONDS + seconds


def _busy(holder: LeaseRecord | None, output: str) -> OutputBusyError:
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
