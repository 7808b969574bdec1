"""Runs that share an output, in any order: no image is lost or doubled, and losers end as busy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from job.output import lease
from job.output.tables import Tables
from job.pipeline import run
from tests.unit.pipeline.protocol.machine import Protocol

# `make check-protocol` tries 10,000.
INTERLEAVINGS = int(os.environ.get("INTERLEAVINGS", "300"))


def explore(interleavings: int, *, seeded: bool) -> None:
    """Try so many interleavings; raises the failure of one, and prints its steps."""
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


def test_no_interleaving_loses_or_doubles_an_image() -> None:
    explore(INTERLEAVINGS, seeded=INTERLEAVINGS < 1000)


def without_transactions(
    self: Tables, location: str, _step: int, write: Callable[..., None], *rows: Any
) -> None:
    write(location, *rows, None)


def without_fence(self: Tables) -> None:
    self.lease.fenced = True


def delete_all_staged(_spark: None, layout: Any, _lease: Any) -> None:
    run.filesystem.delete(None, layout.all_staging)


# What each line of the issue was before its fix.
FAULTS = {
    "the watcher of a lease uses its own duration": (lease, "max", lambda own, _: own),
    "commits have no transaction version": (Tables, "_commit", without_transactions),
    "a takeover does not fence the tables": (Tables, "fence", without_fence),
    "a finished run deletes all staging folders": (run, "delete_staged", delete_all_staged),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_once_its_fix_is_removed(fault: str) -> None:
    target, name, broken = FAULTS[fault]
    with mock.patch.object(target, name, broken, create=target is lease):
        with pytest.raises((AssertionError, Exception)):
            explore(1000, seeded=True)
