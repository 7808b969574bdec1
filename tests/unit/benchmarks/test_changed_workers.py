"""The daemons that measure or simulate find the calls that they change: none was renamed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks import counted_daemon
from tests.support import counting_daemon, simulating_daemon
from tests.support.new_process import in_new_process

CHANGES = [
    counted_daemon.count,
    counting_daemon.count,
    *counting_daemon.SLOWED.values(),
    simulating_daemon.simulate,
]


@pytest.mark.parametrize("change", CHANGES)
def test_each_call_that_a_daemon_changes_is_there(
    change: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(simulating_daemon.SECONDS, "0")
    monkeypatch.setenv("COUNTS", "/nowhere")
    in_new_process(change)
