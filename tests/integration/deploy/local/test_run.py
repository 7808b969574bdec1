"""What `make run` does on one machine, and that nothing of it stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Process, descendants, wait_until

Run = subprocess.Popen[str]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Run]]:
    """Where a test puts what it has started: none outlives the test."""
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.terminate()
        run.communicate()


def start(started: list[Run], folder: Path, *arguments: str) -> Run:
    """`python -m job.deploy.local.run` with a folder of its own as working directory."""
    run = subprocess.Popen(
        [sys.executable, "-m", "job.deploy.local.run", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started.append(run)
    return run


def seen_until(run: Run, name: str) -> set[Process]:
    """All descendants of the run, seen when one of that name has come."""

    def has_come() -> bool:
        assert run.poll() is None, run.communicate()[0]
        return name in {each.name for each in descendants(run.pid)}

    wait_until(has_come, 60)
    return descendants(run.pid)


# `.ci/run` does it as a person does: `make run`.
@pytest.mark.slow
def test_the_sample_run_ends_with_its_report_on_the_local_disk(
    started: list[Run], tmp_path: Path
) -> None:
    run = start(started, tmp_path)
    processes = seen_until(run, "java")
    output, _ = run.communicate(timeout=400)

    assert run.returncode == 0, output
    report = Path(output.splitlines()[-1].removeprefix("report: "))
    assert report.is_relative_to(tmp_path)
    assert "<html" in report.read_text(encoding="utf-8")
    assert not [each for each in processes if each.runs()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_job_its_jvm_and_the_server(
    started: list[Run], tmp_path: Path, number: signal.Signals
) -> None:
    run = start(started, tmp_path)
    processes = seen_until(run, "java")
    assert {"weed", "java"} <= {each.name for each in processes}

    run.send_signal(number)
    run.communicate(timeout=40)
    assert run.returncode == 128 + number
    assert not [each for each in processes if each.runs()]


def test_a_failure_ends_with_the_exit_code_of_the_job(started: list[Run], tmp_path: Path) -> None:
    run = start(started, tmp_path, "--", "--variance", "7")
    processes = seen_until(run, "weed")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "--variance is 7" in output
    assert not [each for each in processes if each.runs()]


def test_an_input_without_an_output_is_refused(started: list[Run], tmp_path: Path) -> None:
    run = start(started, tmp_path, "--input", "~/images")
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 2
    assert (
        output == "error: --input is given without --output; expected both; fix: add OUTPUT=PATH\n"
    )
