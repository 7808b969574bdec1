"""Runs share an output in any order: no image is lost or doubled, and the losers end as busy."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from job.errors import AccountingError
from job.output import lease
from job.output.tables import Tables
from job.pipeline import run
from tests.unit.pipeline.protocol.machine import Protocol

# `make check-protocol` tries 10,000.
INTERLEAVINGS = int(os.environ.get("INTERLEAVINGS", "300"))


def explore(interleavings: int, *, seeded: bool) -> None:
    """Try this many interleavings; on a failure, print the steps and raise the error."""
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=interleavings,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=seeded,
            # Schedules are long: shrinking one takes minutes.
            phases=[Phase.generate],
            report_multiple_bugs=False,
        ),
    )


def take_over(pause_at: int, resume_at: int, *, new_output: bool) -> None:
    """Pause a run after `pause_at` steps, let another take over, and resume the first during it.

    On an output with rows, an image is deleted for the first run and restored for the second.
    """
    machine = Protocol()
    machine.create_images(bad=[False, True, False, False, True], seed=pause_at * 1000 + resume_at)
    try:
        if not new_output:
            machine.start(1.0, refeaturize=False, compacts=False)
            machine.run_all()
            machine.delete(0)
            machine.change(1, is_bad=False)
        machine.start(4.0, refeaturize=False, compacts=False)
        machine.work(0, pause_at, renews=True)
        machine.restore(0)
        machine.start(1.0, refeaturize=False, compacts=False)
        machine.work(1, resume_at, renews=True)
        machine.work(0, 60, renews=True)
    finally:
        machine.teardown()


def take_overs(number: int) -> list[tuple[int, int, bool]]:
    """A seeded selection of the steps of the two runs, on a new output and on one with rows."""
    steps = list(product(range(60), range(80), (True, False)))
    return random.Random(1).sample(steps, min(number, len(steps)))


def take_over_at_each(steps: list[tuple[int, int, bool]]) -> None:
    for pause_at, resume_at, new_output in steps:
        take_over(pause_at, resume_at, new_output=new_output)


def test_no_interleaving_loses_or_doubles_an_image() -> None:
    explore(INTERLEAVINGS, seeded=INTERLEAVINGS < 1000)


def test_a_run_that_lost_its_lease_does_no_harm_at_any_step() -> None:
    take_over_at_each(take_overs(INTERLEAVINGS))


def without_transactions(
    self: Tables, location: str, _step: int, write: Callable[..., None], *rows: Any
) -> None:
    write(location, *rows, None)


def without_fence(self: Tables) -> None:
    self.lease.mark_fenced()


def delete_all_staged(_spark: None, layout: Any, _lease: Any) -> None:
    run.filesystem.delete(None, layout.all_staging)


# For each fix: its owner, its name, and a replacement without the fix.
FAULTS = {
    "the watcher of a lease uses its own duration": (lease, "max", lambda own, _: own),
    "commits have no transaction version": (Tables, "_commit", without_transactions),
    "a takeover does not fence the tables": (Tables, "fence", without_fence),
    "a finished run deletes all staging folders": (run, "delete_staged", delete_all_staged),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_finds_each_fault_if_its_fix_is_removed(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, name, broken = FAULTS[fault]
    monkeypatch.setattr(target, name, broken, raising=target is not lease)
    with pytest.raises((AssertionError, AccountingError, KeyError)):
        take_over_at_each(take_overs(3000))
