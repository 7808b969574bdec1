"""Hypothesis's state machine of the protocol: chooses which process runs, fails or dies next."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from job.errors import OutputBusyError, TransportError
from tests.unit.pipeline.protocol.driver import Driver, World, on_fakes
from tests.unit.pipeline.protocol.fake_delta import Row
from tests.unit.pipeline.protocol.simulation import Fault, Process

MAX_DRIVERS = 3
IMAGES = 5
# More steps than any schedule needs: an endless run fails the test.
_MAX_STEPS = 20_000

indices = st.integers(0, MAX_DRIVERS - 1)


class Protocol(RuleBasedStateMachine):
    """Up to three runs on one output at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.drivers: list[Driver] = []
        self.started = 0
        self.etags = 0
        # Images of complete runs, by path: no later run may lose them.
        self.settled: dict[str, Row] = {}
        self.deleted: dict[str, Row] = {}
        self.clocks_agree = True
        self._fakes = ExitStack()
        self._fakes.enter_context(on_fakes(self.world))

    @initialize(
        bad=st.lists(st.booleans(), min_size=IMAGES, max_size=IMAGES), seed=st.integers(0, 99)
    )
    def create_images(self, bad: list[bool], seed: int) -> None:
        """The images under the input."""
        self._random = random.Random(seed)
        for number, is_bad in enumerate(bad):
            self._put(f"image-{number}", is_bad)

    @precondition(lambda self: self._active_count() < MAX_DRIVERS)
    @rule(
        seconds=st.sampled_from([30.0, 90.0, 900.0]),
        refeaturize=st.sampled_from([False, False, False, True]),
        compacts=st.booleans(),
    )
    def start(self, seconds: float, refeaturize: bool, compacts: bool) -> None:
        """Start a run."""
        process = Process(f"run-{self.started}")
        self.started += 1
        self.drivers.append(Driver(self.world, process, seconds, refeaturize, compacts))

    @rule(index=indices, steps=st.integers(1, 60), renews=st.booleans())
    def work(self, index: int, steps: int, renews: bool) -> None:
        """Let one process work while all others are paused, with or without its other threads."""
        for _ in range(steps):
            driver = self._driver(index)
            if driver is None:
                return
            threads = driver.process.threads if renews else driver.process.threads[:1]
            runnable = [thread for thread in threads if thread.can_run] or [
                thread for thread in driver.process.threads if thread.can_run
            ]
            if runnable:
                self._step(driver, self._random.choice(runnable))
            elif not self.world.simulation.advance_to_next_wake():
                return

    @rule(seconds=st.sampled_from([1.0, 20.0, 100.0, 1000.0, 5000.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.simulation.advance(seconds)

    @rule(index=indices, seconds=st.sampled_from([-7200.0, -60.0, 60.0, 7200.0]))
    def jump(self, index: int, seconds: float) -> None:
        """Set the wall clock of a process."""
        if driver := self._driver(index):
            driver.process.offset += seconds
            # A lease that is an hour old by the wall clock counts as expired.
            self.clocks_agree = self.clocks_agree and abs(seconds) < 3600

    @rule(index=indices, fault=st.sampled_from(Fault))
    def fail(self, index: int, fault: Fault) -> None:
        """Let the next request of a process fail."""
        if driver := self._driver(index):
            driver.process.fault = fault

    @rule(index=indices)
    def crash(self, index: int) -> None:
        """End a process."""
        if driver := self._driver(index):
            self.world.simulation.crash(driver.process)

    @rule(number=st.integers(0, IMAGES), is_bad=st.booleans())
    def change(self, number: int, is_bad: bool) -> None:
        """Replace an image, or add one."""
        self._put(f"image-{number}", is_bad)

    # An input without images is refused before the tables are touched.
    @precondition(lambda self: len(self.world.images) > 1)
    @rule(number=st.integers(0, IMAGES))
    def delete(self, number: int) -> None:
        """Delete an image, not the last one."""
        if row := self.world.images.pop(f"image-{number}", None):
            self.deleted[row.path] = row
            self.settled.pop(row.path, None)
            # Another run may have missed the image in its listing, and drop its row.
            for driver in self.drivers:
                driver.listed = [other for other in driver.listed if other.path != row.path]

    @rule(number=st.integers(0, IMAGES))
    def restore(self, number: int) -> None:
        """Put a deleted image back."""
        if row := self.deleted.pop(f"image-{number}", None):
            self.world.images.setdefault(row.path, row)

    @invariant()
    def no_path_has_two_rows(self) -> None:
        """Each path has at most one row at any time."""
        counts = Counter(row.path for row in self.world.rows())
        assert all(count == 1 for count in counts.values()), counts

    @invariant()
    def no_settled_row_is_lost(self) -> None:
        """A row of a complete run stays until its image changes."""
        rows = {row.path: row for row in self.world.rows()}
        for path, row in self.settled.items():
            if self.world.images.get(path) == row:
                assert rows.get(path) == row

    @invariant()
    def no_live_lease_is_taken(self) -> None:
        """A run that renews its lease in time keeps it."""
        assert not (self.world.lease.stolen and self.clocks_agree)

    def teardown(self) -> None:
        """Run all processes to their end, then another one: each image is in one table."""
        try:
            if hasattr(self, "_random"):
                self._finish()
        finally:
            for driver in self.drivers:
                self.world.simulation.crash(driver.process)
            self._fakes.close()

    def _finish(self) -> None:
        self.run_all()
        self.start(90.0, refeaturize=False, compacts=False)
        self.run_all()
        last = self.drivers[-1]
        assert last.complete, repr(last.error)
        assert sorted(self.world.rows(), key=_path) == sorted(self.world.images.values(), key=_path)

    def run_all(self) -> None:
        """Run all processes to their end, in any order."""
        for _ in range(_MAX_STEPS):
            active = [driver for driver in self.drivers if not driver.ended]
            if not active:
                return
            threads = [
                (driver, thread)
                for driver in active
                for thread in driver.process.threads
                if thread.can_run
            ]
            if threads:
                self._step(*self._random.choice(threads))
            elif not self.world.simulation.advance_to_next_wake():
                break
        raise AssertionError("a run never ends")

    def _step(self, driver: Driver, thread: object) -> None:
        self.world.simulation.step(thread)
        if driver.complete:
            self.settled |= {row.path: row for row in driver.listed}
        if any(other.refeaturize and not other.complete for other in self.drivers):
            # Bad images of a run that replaces everything may be in neither table for a while.
            self.settled = {path: row for path, row in self.settled.items() if not row.reason}
        expected = OutputBusyError if driver.retries else (OutputBusyError, TransportError)
        if driver.error is not None and not isinstance(driver.error, expected):
            raise driver.error
        self.no_path_has_two_rows()
        self.no_settled_row_is_lost()
        self.no_live_lease_is_taken()

    def _driver(self, index: int) -> Driver | None:
        active = [driver for driver in self.drivers if not driver.ended]
        return active[index % len(active)] if active else None

    def _active_count(self) -> int:
        return sum(not driver.ended for driver in self.drivers)

    def _put(self, path: str, is_bad: bool) -> None:
        self.etags += 1
        self.world.images[path] = Row(path, self.etags, "truncated" if is_bad else None)


def _path(row: Row) -> str:
    return row.path
