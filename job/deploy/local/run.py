"""Runs the job as a child process, for `make run`: on the sample images or on your own.

`python -m job.deploy.local.run [--input PATH --output PATH] [-- OPTIONS OF image-features run]`
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from job import class_archive
from job.deploy.local.s3_server import LocalS3Server, die_with_parent
from job.errors import InvalidValueError, JobError

CHECKOUT = Path(__file__).resolve().parents[3]
SAMPLE_IMAGES = CHECKOUT / "examples" / "images"
REPORT_COPY = Path(".cache") / "run" / "report.html"
SAMPLE_BUCKET = "sample"

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Time for the job to stop after Ctrl-C, so that it can release its lease on the output.
_GRACE_SECONDS = 20.0
# The JVM exits after its Python process, and the workers after the JVM.
_DESCENDANTS_SECONDS = 5.0
# Time for the JVM to write its class archive before it exits.
_RECORDING_SECONDS = 120.0


@dataclass(frozen=True)
class JobCall:
    """One call of `image-features run`: paths, arguments, Spark settings, environment."""

    input_path: str
    output_path: str
    arguments: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def command(self) -> list[str]:
        """The command line for the current Python."""
        settings = [
            part for key, value in self.settings.items() for part in ("--conf", f"{key}={value}")
        ]
        return [
            *(sys.executable, "-m", "job", "run"),
            *("--input", self.input_path, "--output", self.output_path),
            *("--report-copy", str(REPORT_COPY.absolute()), *settings, *self.arguments),
        ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--input", "input_path", metavar="PATH", help="Folder of images: s3a://, s3:// or local."
)
@click.option(
    "--output", "output_path", metavar="PATH", help="Where tables, models and report are kept."
)
@click.argument("job_arguments", nargs=-1, type=click.UNPROCESSED)
def main(
    input_path: str | None, output_path: str | None, job_arguments: tuple[str, ...]
) -> NoReturn:
    """Run the job on the sample images in a local S3 server; with both paths, on your images."""
    _stop_on_signals()
    REPORT_COPY.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _prepare(input_path, output_path, job_arguments) as call:
            exit_code = _run(call)
    except JobError as error:
        click.echo(f"error: {error}", err=True)
        exit_code = error.exit_code
    sys.exit(exit_code)


def _run(call: JobCall) -> int:
    if class_archive.is_usable():
        return run_job(call)
    click.echo("the first run saves Java's classes for later runs: it takes some seconds longer")
    with class_archive.record() as setting:
        recorded = replace(call, settings={**call.settings, **setting})
        return run_job(recorded, _RECORDING_SECONDS)


def run_job(call: JobCall, exit_timeout: float = _DESCENDANTS_SECONDS) -> int:
    """Run the job in the foreground; no process of it is left when this returns or raises.

    `exit_timeout` is the time in seconds that the JVM may take to exit after a successful run.
    """
    job = subprocess.Popen(
        [*die_with_parent("TERM"), *call.command()],
        stdin=subprocess.DEVNULL,
        env=call.environment,
        # Ctrl-C only reaches this process, which stops the job in order.
        start_new_session=True,
    )
    try:
        exit_code = job.wait()
        if exit_code == 0:
            _wait_for_session(job.pid, exit_timeout)
        return exit_code
    finally:
        _stop(job)


@contextmanager
def _prepare(
    input_path: str | None, output_path: str | None, arguments: Sequence[str]
) -> Iterator[JobCall]:
    """The call for the given paths; without paths, with a local S3 server while it runs."""
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_HOME"}
    if input_path and not output_path:
        raise InvalidValueError(
            "--input is given without --output", expected="both", fix="add OUTPUT=PATH"
        )
    if output_path:
        source = _absolute(input_path or str(SAMPLE_IMAGES))
        yield JobCall(source, _absolute(output_path), arguments, environment=environment)
        return
    click.echo("starting a local S3 server")
    with LocalS3Server() as server:
        server.create_bucket(SAMPLE_BUCKET)
        count = server.upload_folder(SAMPLE_IMAGES, SAMPLE_BUCKET, "images")
        click.echo(f"{count} sample images are in s3a://{SAMPLE_BUCKET}/images ({server.endpoint})")
        yield JobCall(
            f"s3a://{SAMPLE_BUCKET}/images",
            f"s3a://{SAMPLE_BUCKET}/output",
            arguments,
            server.spark_settings(),
            server.environment(environment),
        )


def _absolute(path: str) -> str:
    """The absolute form of a local path, with `~` expanded; a URL unchanged."""
    return path if "://" in path else str(Path(path).expanduser().absolute())


def _stop_on_signals() -> None:
    """Let the first stop signal unwind this process; later ones must not interrupt that."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for stop_signal in _STOP_SIGNALS:
            signal.signal(stop_signal, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for stop_signal in _STOP_SIGNALS:
        signal.signal(stop_signal, stop)


def _stop(job: subprocess.Popen[bytes]) -> None:
    """Interrupt the job if it still runs, wait, then kill the rest of its session."""
    if job.poll() is None:
        job.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            job.wait(_GRACE_SECONDS)
    _wait_for_session(job.pid, _DESCENDANTS_SECONDS)
    for pid in _session_members(job.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    job.wait()


def _wait_for_session(session: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _session_members(session) and time.monotonic() < deadline:
        time.sleep(0.1)


def _session_members(session: int) -> list[int]:
    """The running processes of a session: pyspark's workers leave the process group."""
    stats = [_stat(folder) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid, state, member_of in stats if member_of == session and state != "Z"]


def _stat(process: Path) -> tuple[int, str, int]:
    """pid, state and session of proc(5); a process that has ended belongs to no session."""
    with suppress(FileNotFoundError, ProcessLookupError):
        # The name, in brackets, may hold anything.
        fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(process.name), fields[0], int(fields[3])
    return int(process.name), "Z", 0


if __name__ == "__main__":
    main()
