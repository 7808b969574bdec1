"""FakeDelta follows the rules of the real Delta, which test_delta_rules checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from job.errors import TransportError
from tests.unit.pipeline.protocol.fake_delta import FakeDelta, Row
from tests.unit.pipeline.protocol.rules import (
    BEFORE,
    COMMITTED,
    CONFLICT,
    HELD,
    OLD,
    RULES,
    Rule,
)
from tests.unit.pipeline.protocol.simulation import Process, Simulation

TABLE = "table"


@pytest.fixture
def delta() -> Iterator[FakeDelta]:
    """A table with the paths a and b."""
    fake = FakeDelta(Simulation(), {})
    finish(fake, lambda: fake.create(TABLE, None, {}))
    finish(fake, lambda: fake.append(TABLE, rows("a"), BEFORE - 1))
    finish(fake, lambda: fake.append(TABLE, rows("b"), BEFORE))
    return fake


def rows(paths: str) -> list[Row]:
    return [Row(path, 1, "truncated") for path in paths]


def paths(delta: FakeDelta) -> str:
    return "".join(sorted(row.path for row in delta.tables[TABLE].rows()))


def write(delta: FakeDelta, kind: str, version: int | None) -> None:
    """The write of a rule."""
    match kind:
        case "append":
            delta.append(TABLE, rows("c"), version)
        case "merge":
            delta.merge(TABLE, rows("c"), "reason", version)
        case "delete":
            delta.delete(TABLE, rows("a"), version)
        case "fence":
            delta.fence(TABLE, version)
        case "optimize":
            delta.optimize(TABLE)


def finish(delta: FakeDelta, call: Callable[[], None]) -> None:
    """Run a call to its end."""
    thread = delta.simulation.start(Process("other"), call)
    while thread.can_run:
        delta.simulation.step(thread)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.held}-{rule.other}")
def test_the_outcome_of_a_write_after_another_commit(delta: FakeDelta, rule: Rule) -> None:
    outcome = []

    def held() -> None:
        try:
            write(delta, rule.held, HELD)
            outcome.append(COMMITTED)
        except TransportError:
            outcome.append(CONFLICT)

    thread = delta.simulation.start(Process("held"), held)
    # Two steps: to the pause before the snapshot, and to the one before the commit.
    for _ in range(2):
        delta.simulation.step(thread)
    finish(delta, lambda: write(delta, rule.other, rule.other_version))
    while thread.can_run:
        delta.simulation.step(thread)
    assert (outcome, paths(delta)) == ([rule.outcome], rule.paths)


@pytest.mark.parametrize("kind", ["append", "merge", "delete", "fence"])
@pytest.mark.parametrize("version", [OLD, BEFORE])
def test_a_write_with_an_old_version_is_skipped(delta: FakeDelta, kind: str, version: int) -> None:
    finish(delta, lambda: write(delta, kind, version))
    assert paths(delta) == "ab"
    assert delta.last_version(TABLE) == BEFORE


def test_optimize_keeps_the_version(delta: FakeDelta) -> None:
    finish(delta, lambda: delta.optimize(TABLE))
    assert delta.last_version(TABLE) == BEFORE
