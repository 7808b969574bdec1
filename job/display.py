"""Shows progress: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 4.0
BAR_SECONDS = 0.5
# The pod annotation in which a driver publishes its progress.
PROGRESS_ANNOTATION = "image-features/progress"


@dataclass(frozen=True)
class ProgressUpdate:
    """Progress of one stage: `total` is None while unknown, `seconds` counts from its start."""

    stage: str
    unit: str
    done: int
    total: int | None
    seconds: float

    @property
    def rate(self) -> float:
        """Units per second since the stage began."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until `total` at the present rate; None while that is unknown."""
        if self.total is None or not self.done:
            return None
        return (self.total - self.done) / self.rate

    def __str__(self) -> str:
        if self.total is None and not self.done:
            # Nothing is counted yet: a zero would look like a stalled stage.
            return f"{self.stage}: {self.seconds:.0f} s"
        total = f" / {self.total:,}" if self.total is not None else ""
        remaining = f", {self.seconds_left:.0f} s left" if self.seconds_left is not None else ""
        rate = f", {self.rate:,.1f} {self.unit}/s" if self.done else ""
        return (
            f"{self.stage}: {self.done:,}{total} {self.unit}{rate}{remaining}, {self.seconds:.0f} s"
        )


class Display(Protocol):
    """Shows progress updates and finished lines."""

    interval: float

    def show(self, update: ProgressUpdate) -> None: ...
    def print_line(self, text: str) -> None: ...


class LineDisplay:
    """Prints one line an update, with the time of day: for logs."""

    interval = LINE_SECONDS

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def show(self, update: ProgressUpdate) -> None:
        self._print(str(update))

    def print_line(self, text: str) -> None:
        self._print(text)

    def _print(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=self._output, flush=True)


class BarDisplay:
    """Shows a bar for the current stage and a line for each finished one: for terminals."""

    interval = BAR_SECONDS

    def __init__(self, output: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(file=output),
            transient=True,
        )
        self._task = None if not output.isatty() else self._progress.add_task("", total=None)

    def show(self, update: ProgressUpdate) -> None:
        if self._task is None:
            return
        self._progress.update(
            self._task, description=str(update), completed=update.done, total=update.total
        )
        # Start after the update: a restarted bar would first show its old content.
        self._progress.start()

    def print_line(self, text: str) -> None:
        self._progress.stop()
        self._progress.console.print(text, markup=False, highlight=False)


def display_for(output: TextIO) -> Display:
    """A bar on a terminal, lines elsewhere."""
    return BarDisplay(output) if output.isatty() else LineDisplay(output)
