"""How progress is shown: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 4.0
BAR_SECONDS = 0.5
# Where a driver in a pod keeps its progress, for those who watch it.
PROGRESS_ANNOTATION = "image-features/progress"


@dataclass(frozen=True)
class Tick:
    """How far one stage is: `total` None while it is not known, `seconds` since its start."""

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
            # Nothing to count, or not yet: a zero would read as if nothing went on.
            return f"{self.stage}: {self.seconds:.0f} s"
        of = f" / {self.total:,}" if self.total is not None else ""
        left = f", {self.seconds_left:.0f} s left" if self.seconds_left is not None else ""
        rate = f", {self.rate:,.1f} {self.unit}/s" if self.done else ""
        return f"{self.stage}: {self.done:,}{of} {self.unit}{rate}{left}, {self.seconds:.0f} s"


class Display(Protocol):
    """Where ticks go."""

    interval: float

    def show(self, tick: Tick) -> None: ...
    def end(self, text: str) -> None: ...


class Lines:
    """One line a tick, with the time of day: for logs."""

    interval = LINE_SECONDS

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def show(self, tick: Tick) -> None:
        self._say(str(tick))

    def end(self, text: str) -> None:
        self._say(text)

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=self._output, flush=True)


class Bar:
    """One bar for the stage at work, and a line for each stage that ended: for terminals."""

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

    def show(self, tick: Tick) -> None:
        if self._task is None:
            return
        self._progress.update(
            self._task, description=str(tick), completed=tick.done, total=tick.total
        )
        # After the update: a bar that comes back would begin with what it showed last.
        self._progress.start()

    def end(self, text: str) -> None:
        self._progress.stop()
        self._progress.console.print(text, markup=False, highlight=False)


def display_for(output: TextIO) -> Display:
    """A bar on a terminal, lines elsewhere."""
    return Bar(output) if output.isatty() else Lines(output)
