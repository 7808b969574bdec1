"""The claim on an output: one run at a time writes there, and a dead one's claim expires.

Who holds it renews it. Who wants it looks whether it is renewed, by a clock of its own: clocks of
machines are never compared. What a stopped holder still writes after its claim has gone to
another is refused by the tables, which know the number of each claim.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from job.errors import OutputBusyError
from job.output.lease_store import ChangedError, ClaimStore, Version
from job.runtime.spark_errors import STORAGE_EXCEPTIONS

# A claim that nobody renews for this long has expired; it is renewed four times meanwhile.
LEASE_SECONDS = 60.0
_RENEWALS = 4
_POLL_SECONDS = 1.0
# No clocks differ by this much: such a claim need not be watched.
_LONG_DEAD_SECONDS = 3600.0


@dataclass(frozen=True)
class Holder:
    """Who holds a claim: `number` grows with each claim on an output, `renewed` is in UTC."""

    run_id: str
    host: str
    began: str
    number: int
    renewed: str
    released: bool = False

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=2).encode()

    @classmethod
    def of(cls, version: Version) -> Holder:
        return cls(**json.loads(version.content))


@dataclass
class Claim:
    """A claim that this process holds until `release`, or until it finds that it has lost it."""

    store: ClaimStore
    holder: Holder
    output: str
    lease: float
    _etag: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def number(self) -> int:
        """Larger than that of every claim on this output before."""
        return self.holder.number

    def check(self) -> None:
        """Renew the claim now. Raises OutputBusyError where another run has taken it over."""
        try:
            self._write(replace(self.holder, renewed=_now()))
        except ChangedError as error:
            raise _busy(self.store.read(), self.output) from error

    def release(self) -> None:
        """Let others in at once; without this they wait until the claim expires."""
        self._over.set()
        # Lost, or the storage is gone: then it expires, or has.
        with suppress(ChangedError, OSError, *STORAGE_EXCEPTIONS):
            self._write(replace(self.holder, renewed=_now(), released=True))

    def keep(self) -> None:
        """Renew it from time to time, in a thread of its own."""
        threading.Thread(target=self._renew, name="renew-claim", daemon=True).start()

    def _renew(self) -> None:
        while not self._over.wait(self.lease / _RENEWALS):
            # Lost: the next check says so. Refused for now: the next renewal comes soon.
            with suppress(ChangedError, OSError, *STORAGE_EXCEPTIONS):
                self._write(replace(self.holder, renewed=_now()))

    def _write(self, holder: Holder) -> None:
        with self._lock:
            if holder.released or not self._over.is_set():
                self._etag = self.store.write(holder.to_json(), self._etag)


def claim(store: ClaimStore, run_id: str, output: str, lease: float = LEASE_SECONDS) -> Claim:
    """Claim `output` for `run_id`; a claim that may be dead is watched for `lease` seconds.

    Raises OutputBusyError where its holder lives.
    """
    while True:
        before = _free(store, output, lease)
        number = max(Holder.of(before).number + 1 if before else 0, int(time.time()))
        holder = Holder(run_id, socket.gethostname(), _now(), number, _now())
        try:
            etag = store.write(holder.to_json(), before.etag if before else None)
        except ChangedError:
            # Another was faster: it is looked at like any other.
            continue
        held = Claim(store, holder, output, lease, etag)
        held.keep()
        return held


def _free(store: ClaimStore, output: str, lease: float) -> Version | None:
    """What the claim is replaced by, once it is released or has expired. Raises OutputBusyError."""
    first = store.read()
    if first is None or _is_free(Holder.of(first)):
        return first
    holder = Holder.of(first)
    print(
        f"run {holder.run_id} has claimed {output}: watching it for up to {lease:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    ends = time.monotonic() + lease
    while time.monotonic() < ends:
        time.sleep(min(_POLL_SECONDS, lease / _RENEWALS))
        now = store.read()
        if now is None or Holder.of(now).released:
            return now
        if now.etag != first.etag:
            raise _busy(now, output)
    return first


def _is_free(holder: Holder) -> bool:
    age = (datetime.now(UTC) - datetime.fromisoformat(holder.renewed)).total_seconds()
    return holder.released or age > _LONG_DEAD_SECONDS


def _busy(version: Version | None, output: str) -> OutputBusyError:
    who = "another run"
    if version is not None:
        holder = Holder.of(version)
        who = f"run {holder.run_id} on {holder.host} (since {holder.began})"
    return OutputBusyError(
        f"{who} works on {output}",
        expected="one run at a time on an output",
        fix="wait until it has ended, or use another --output",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
