"""Runs that share an output, in every order that Hypothesis finds: no image is lost or doubled."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.pipeline.protocol.machine import Protocol


def test_no_interleaving_loses_or_doubles_an_image() -> None:
    run_state_machine_as_test(
        Protocol, settings=settings(max_examples=300, stateful_step_count=40, deadline=None, derandomize=True)
    )
