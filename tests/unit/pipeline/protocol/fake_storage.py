"""The lease object and the staging folders of an output, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from job.output.lease import LeaseRecord
from job.output.lease_store import ConflictError, LeaseStore, Version
from tests.unit.pipeline.protocol.simulation import EPOCH, Fault, Simulation

T = TypeVar("T")

# An hour, less the difference of clocks that agree.
_STALE_SECONDS = 3000.0


def request(simulation: Simulation, call: Callable[[], T]) -> T:
    """One request: the thread pauses before it, and the fault of its process strikes it."""
    simulation.pause()
    fault = simulation.current.process.take_fault()
    if fault is Fault.REFUSED:
        raise ConnectionError("Connection refused")
    result = call()
    if fault is Fault.LOST:
        raise ConnectionError("Connection reset")
    return call() if fault is Fault.REPEATED else result


@dataclass
class StoredLease:
    """The lease object of the output; `written` is the simulation's time of the last write."""

    version: Version | None = None
    writes: int = 0
    written: float = 0.0
    stolen: bool = False


@dataclass(frozen=True)
class FakeLeaseStore(LeaseStore):
    """Conditional writes of the lease object, by S3's rules."""

    simulation: Simulation
    stored: StoredLease

    def read(self) -> Version | None:
        """The object; None if it does not exist."""
        return request(self.simulation, lambda: self.stored.version)

    def _put(self, content: bytes, expected: str | None) -> str:
        return request(self.simulation, lambda: self._compare_and_swap(content, expected))

    def _compare_and_swap(self, content: bytes, expected: str | None) -> str:
        now = self.stored.version
        if (now.etag if now else None) != expected:
            raise ConflictError("lease")
        if now is not None and self._is_alive(
            LeaseRecord.of(now), LeaseRecord.of(Version(content, ""))
        ):
            self.stored.stolen = True
        self.stored.writes += 1
        self.stored.written = self.simulation.now
        self.stored.version = Version(content, f"etag-{self.stored.writes}")
        return self.stored.version.etag

    def _is_alive(self, holder: LeaseRecord, writer: LeaseRecord) -> bool:
        """Whether `writer` takes a lease that its holder has renewed in time."""
        renewed = datetime.fromisoformat(holder.renewed).timestamp() - EPOCH
        # A request that was paused for an hour carries an hour-old time of renewal, and a lease
        # that is so old counts as expired.
        if self.simulation.now - renewed > _STALE_SECONDS:
            return False
        age = self.simulation.now - self.stored.written
        return holder.number != writer.number and not holder.released and age < holder.lease


@dataclass
class FakeFolders:
    """Functions of job.runtime.filesystem, on `content`: staged rows by their path."""

    simulation: Simulation
    content: dict[str, Any] = field(default_factory=dict)

    def write(self, path: str, rows: Any) -> None:
        """Write rows at `path`."""
        request(self.simulation, lambda: self.content.__setitem__(path, rows))

    def read(self, path: str) -> Any:
        """The rows at and below `path`. Raises KeyError if there are none, as Spark fails."""
        return request(self.simulation, lambda: self._read(path))

    def names(self, _spark: None, folder: str) -> list[str]:
        """The names directly in `folder`."""
        return request(self.simulation, lambda: self._names(folder))

    def delete(self, _spark: None, folder: str) -> None:
        """Delete `folder` with all that is in it."""
        request(self.simulation, lambda: self._delete(folder))

    def delete_empty(self, _spark: None, folder: str) -> None:
        """Folders without files do not exist here."""

    def _read(self, path: str) -> list[Any]:
        inside = [name for name in self.content if f"{name}/".startswith(f"{path}/")]
        if not inside:
            raise KeyError(path)
        return [row for name in inside for row in self.content[name]]

    def _names(self, folder: str) -> list[str]:
        inside = [path for path in self.content if path.startswith(f"{folder}/")]
        return sorted({path[len(folder) + 1 :].partition("/")[0] for path in inside})

    def _delete(self, folder: str) -> None:
        for path in [path for path in self.content if path.startswith(f"{folder}/")]:
            del self.content[path]
