"""Processes and threads that take turns under a schedule, in simulated time.

A thread is a greenlet. It runs until it calls `pause`, which the fake storage does before each
request; the schedule decides which thread runs next. A thread that is not chosen is paused, like
a process in a long garbage collection.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any

from greenlet import getcurrent, greenlet

EPOCH = 1_800_000_000.0


class Crash(BaseException):
    """Ends a process: none of its later requests reaches the storage."""


class Fault(Enum):
    """The fault of the next request of a process."""

    REFUSED = "the request fails and changes nothing"
    LOST = "the request succeeds, and its response is lost"
    REPEATED = "the response is lost, and the client sends the request again"


@dataclass
class Process:
    """A process with its own wall clock, `offset` seconds from the simulation's."""

    name: str
    offset: float = 0.0
    alive: bool = True
    fault: Fault | None = None
    faults: int = 0
    threads: list[Thread] = field(default_factory=list)

    def take_fault(self) -> Fault | None:
        """The fault of this request; the next request has none."""
        fault, self.fault = self.fault, None
        self.faults += fault is not None
        return fault


@dataclass
class Thread:
    """One thread of a process; `ready` says whether it can run."""

    process: Process
    greenlet: greenlet
    ready: Callable[[], bool] = lambda: True

    @property
    def can_run(self) -> bool:
        """Whether a step of this thread does anything."""
        return self.process.alive and not self.greenlet.dead and self.ready()


class Simulation:
    """Threads of processes, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._current: Thread | None = None
        self._wake_times: list[float] = []

    def start(self, process: Process, target: Callable[[], None]) -> Thread:
        """A thread of `process` that will run `target`."""
        thread = Thread(process, greenlet(target))
        process.threads.append(thread)
        return thread

    def step(self, thread: Thread) -> None:
        """Run `thread` until it pauses or ends."""
        self._enter(thread)
        thread.greenlet.switch()

    def crash(self, process: Process) -> None:
        """End `process` wherever its threads are."""
        process.alive = False
        for thread in process.threads:
            if thread.greenlet:
                self._enter(thread)
                try:
                    thread.greenlet.throw(Crash)
                except Crash:
                    continue

    @property
    def current(self) -> Thread:
        """The thread that runs now."""
        assert self._current is not None
        return self._current

    def _enter(self, thread: Thread) -> None:
        thread.greenlet.parent = getcurrent()
        self._current = thread

    def pause(self, ready: Callable[[], bool] = lambda: True) -> None:
        """Give up the turn until the schedule chooses this thread and `ready()` holds."""
        thread = self.current
        if not thread.process.alive:
            raise Crash
        thread.ready = ready
        thread.greenlet.parent.switch()

    def sleep(self, seconds: float) -> None:
        """Pause for at least `seconds`."""
        self.wait(lambda: False, seconds)

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Pause until `condition()` holds, or for `seconds`; returns whether it holds."""
        deadline = self.now + seconds
        self._wake_times.append(deadline)
        self.pause(lambda: condition() or self.now >= deadline)
        return condition()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def advance_to_next_wake(self) -> bool:
        """Let time pass until a sleeping thread wakes; False if none sleeps."""
        self._wake_times = [time for time in self._wake_times if time > self.now]
        if not self._wake_times:
            return False
        self.now = min(self._wake_times)
        return True


@dataclass(frozen=True)
class FakeTime:
    """The functions of the module `time`."""

    simulation: Simulation

    def time(self) -> float:
        """The wall clock of the current process."""
        return EPOCH + self.simulation.now + self.simulation.current.process.offset

    def monotonic(self) -> float:
        """A clock that never jumps."""
        return self.simulation.now

    def sleep(self, seconds: float) -> None:
        """Pause the current thread."""
        self.simulation.sleep(seconds)


@dataclass(frozen=True)
class FakeDatetime:
    """The methods of the class `datetime` that read a clock or a string."""

    time: FakeTime

    def now(self, zone: tzinfo) -> datetime:
        """The wall clock of the current process."""
        return datetime.fromtimestamp(self.time.time(), zone)

    def fromisoformat(self, text: str) -> datetime:
        """Like the real one."""
        return datetime.fromisoformat(text).astimezone(UTC)


class FakeLock:
    """A lock whose waiting threads take turns like all others."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._locked = False

    def __enter__(self) -> None:
        while self._locked:
            self._simulation.pause(lambda: not self._locked)
        self._locked = True

    def __exit__(self, *_: object) -> None:
        self._locked = False


class FakeEvent:
    """A flag that a thread can wait for."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._set = False

    def set(self) -> None:
        """Set the flag."""
        self._set = True

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def wait(self, timeout: float) -> bool:
        """Pause until it is set, for at most `timeout` seconds."""
        return self._set or self._simulation.wait(self.is_set, timeout)


@dataclass(frozen=True)
class FakeThreading:
    """The names of the module `threading` that a lease uses."""

    simulation: Simulation

    def Lock(self) -> FakeLock:
        """A new lock."""
        return FakeLock(self.simulation)

    def Event(self) -> FakeEvent:
        """A new event."""
        return FakeEvent(self.simulation)

    def Thread(self, target: Callable[[], None], **_: Any) -> _Unstarted:
        """A thread of the current process."""
        return _Unstarted(self.simulation, target)


@dataclass(frozen=True)
class _Unstarted:
    simulation: Simulation
    target: Callable[[], None]

    def start(self) -> None:
        self.simulation.start(self.simulation.current.process, _without_crash(self.target))


class FakeFuture:
    """The result of a call in another thread."""

    def __init__(self, simulation: Simulation, call: Callable[[], Any]) -> None:
        self._simulation = simulation
        self._done, self._value = False, None
        self._error: BaseException | None = None
        simulation.start(simulation.current.process, lambda: self._run(call))

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self._value = call()
        except BaseException as error:
            self._error = error
        self._done = True

    def result(self) -> Any:
        """Wait for the call; returns its value or raises its error."""
        if not self._done:
            self._simulation.pause(lambda: self._done)
        if self._error is not None:
            raise self._error
        return self._value


class FakeThreadPool:
    """A ThreadPoolExecutor of threads of the current process."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._futures: list[FakeFuture] = []

    def submit(self, call: Callable[..., Any], *arguments: Any) -> FakeFuture:
        """Start the call."""
        future = FakeFuture(self._simulation, lambda: call(*arguments))
        self._futures.append(future)
        return future

    def shutdown(self) -> None:
        """Wait for all calls."""
        for future in self._futures:
            if not future._done:
                self._simulation.pause(lambda future=future: future._done)

    def __enter__(self) -> FakeThreadPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def _without_crash(target: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with suppress(Crash):
            target()

    return run
