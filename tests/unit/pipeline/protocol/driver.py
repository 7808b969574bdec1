"""A run of the real pipeline on fake storage: lease, commits and staging are the job's own code.

Fakes replace storage, Delta, network, threads and clocks, and the questions to Spark: which
images are new or deleted, and whether each is in exactly one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from job.config import FeaturizeConfig, ImagesConfig
from job.errors import AccountingError
from job.layout import Layout
from job.output import lease, staging, writers
from job.output.summary import Counts
from job.output.tables import Tables
from job.output.writers import BatchResult
from job.pipeline import featurize, run
from job.pipeline.batches import Batch, BatchPlan
from job.pipeline.featurize_run import FeaturizeRun, Staged
from job.pipeline.reconciliation import Reconciliation
from job.pipeline.run import Run, RunOptions
from job.runtime import background, retries
from tests.unit.pipeline.protocol.fake_delta import FakeDelta, Row, Table
from tests.unit.pipeline.protocol.fake_storage import FakeFolders, FakeLeaseStore, StoredLease
from tests.unit.pipeline.protocol.simulation import (
    Crash,
    FakeDatetime,
    FakeThreading,
    FakeThreadPool,
    FakeTime,
    Process,
    Simulation,
    Thread,
)

LAYOUT = Layout("/output")
FINGERPRINT: dict[str, object] = {"identity": "x"}
BATCH_IMAGES = 2


@dataclass
class World:
    """The images, the output and the time, which all processes share."""

    simulation: Simulation = field(default_factory=Simulation)
    images: dict[str, Row] = field(default_factory=dict)
    lease: StoredLease = field(default_factory=StoredLease)
    tables: dict[str, Table] = field(default_factory=dict)
    folders: FakeFolders = field(init=False)

    def __post_init__(self) -> None:
        self.folders = FakeFolders(self.simulation)

    def rows(self) -> list[Row]:
        """The rows of both tables."""
        return [row for table in self.tables.values() for row in table.rows()]


@dataclass
class Driver:
    """One run: `error` is None while it works and once it is complete.

    It is `admitted` once it holds the lease.
    """

    world: World
    process: Process
    lease_seconds: float = 90.0
    refeaturize: bool = False
    compacts: bool = False
    listed: list[Row] = field(default_factory=list)
    admitted: bool = False
    complete: bool = False
    error: BaseException | None = None
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = self.world.simulation.start(self.process, self._run)

    @property
    def ended(self) -> bool:
        """Whether the run or its process has ended."""
        return self.complete or self.error is not None or not self.process.alive

    @property
    def retries(self) -> bool:
        """Whether the run retries storage failures; a second fault may exceed the time limit."""
        return self.admitted and self.process.faults < 2

    def _run(self) -> None:
        try:
            self._featurize()
            self.complete = True
        except Crash:
            pass
        except Exception as error:
            self.error = error

    def _featurize(self) -> None:
        options = RunOptions(self.process.name, self.lease_seconds)
        with Run.open(None, "featurize", None, LAYOUT.root, options) as opened:  # type: ignore[arg-type]
            self.admitted = True
            self.listed = list(self.world.images.values())
            prepared = self._prepare(opened)
            featurize.featurize(prepared, Staged(self.listed, len(self.listed)))  # type: ignore[arg-type]
            if self.compacts:
                _compact(opened.tables)

    def _prepare(self, opened: Run) -> FeaturizeRun:
        config = FeaturizeConfig(
            LAYOUT.root,
            ImagesConfig("/images"),
            batch_images=BATCH_IMAGES,
            refeaturize=self.refeaturize,
        )
        tables = opened.tables
        shared: Any = SimpleNamespace(spark=None, worker=None)
        return FeaturizeRun(
            shared.spark,
            config,
            tables,
            tables.exist(),
            FINGERPRINT,
            shared.worker,
            None,
            opened.steps,
        )


@contextmanager
def on_fakes(world: World) -> Iterator[None]:
    """Replace everything outside the pipeline by fakes."""
    simulation = world.simulation
    time = FakeTime(simulation)
    threading = FakeThreading(simulation)
    replacements: list[tuple[Any, dict[str, Any]]] = [
        (lease, {"time": time, "threading": threading, "datetime": FakeDatetime(time)}),
        (lease, {"socket": SimpleNamespace(gethostname=lambda: simulation.current.process.name)}),
        (retries, {"time": time, "_print_wait": lambda _: None}),
        (retries, {"sleep_using_event": lambda _: simulation.sleep}),
        (background, {"ThreadPoolExecutor": lambda *_, **__: FakeThreadPool(simulation)}),
        (staging, {"filesystem": world.folders}),
        (writers, {"read_outcome": lambda _, path: world.folders.read(path)}),
        (run, _of_run(world)),
        (run, {"filesystem": world.folders}),
        (featurize, _of_featurize(world)),
    ]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(lease, "print", create=True))
        stack.enter_context(mock.patch.object(Run, "measured_summary", lambda self: self.summary))
        for module, names in replacements:
            stack.enter_context(mock.patch.multiple(module, **names))
        yield


class _Summary(SimpleNamespace):
    """The part of a summary that the protocol needs."""

    def write(self, _spark: None, path: str) -> None:
        self.folders.write(path, self.status)

    def print_table(self, _console: object) -> None:
        """Print nothing."""


class _Steps(SimpleNamespace):
    """Steps that show no progress."""

    @contextmanager
    def step(self, _name: str, **_: object) -> Iterator[None]:
        self.before()
        yield


def _of_run(world: World) -> dict[str, Any]:
    def summary(_spark: None, _command: str, _config: None, output: str, run_id: str) -> _Summary:
        return _Summary(run_id=run_id, output_path=output, folders=world.folders)

    def steps(_display: None, before: Any) -> _Steps:
        return _Steps(before=before, display=SimpleNamespace(print_line=lambda _: None))

    engines: dict[str, FakeDelta] = {}

    def engine(_spark: None) -> FakeDelta:
        name = world.simulation.current.process.name
        return engines.setdefault(name, FakeDelta(world.simulation, world.tables))

    return {
        "lease_store": lambda *_: FakeLeaseStore(world.simulation, world.lease),
        "DeltaEngine": engine,
        "new_summary": summary,
        "Steps": steps,
        "display_for": lambda _: None,
        "with_pod_progress": lambda *_: None,
    }


def _of_featurize(world: World) -> dict[str, Any]:
    def stage_deleted(prepared: FeaturizeRun, listing: Staged) -> Staged | None:
        if not prepared.drops:
            return None
        present = {row.path for row in _rows(listing)}
        absent = [row for row in _stored(prepared.tables) if row.path not in present]
        return Staged(absent, len(absent)) if absent else None  # type: ignore[arg-type]

    def relabel(prepared: FeaturizeRun, listing: Staged) -> tuple[Staged, int]:
        labels = {(row.path, row.etag): row.label for row in _stored(prepared.tables)}
        rows = _rows(listing)
        new = [row for row in rows if (row.path, row.etag) not in labels]
        others = [row for row in rows if labels.get((row.path, row.etag), row.label) != row.label]
        if others:
            prepared.tables.relabel(others)  # type: ignore[arg-type]
        return Staged(new, len(new)), len(others)  # type: ignore[arg-type]

    def assign_slices(
        _run: FeaturizeRun, work: list[Row], plan: BatchPlan
    ) -> list[tuple[int, Row]]:
        return [(index % plan.count, row) for index, row in enumerate(work)]

    def featurize_batch(prepared: FeaturizeRun, work: Any, batch: Batch) -> BatchResult:
        rows = [row for number, row in work if batch.first <= number < batch.end]
        path = f"{prepared.outcome}/portion={batch.first}"
        retries.retried(world.folders.write)(path, rows)
        bad = sum(row.reason is not None for row in rows)
        return BatchResult(path, batch.first, len(rows), bad, 1.0)

    return {
        "stage_deleted": stage_deleted,
        "_relabel": relabel,
        "_assign_slices": assign_slices,
        "_choose_thumbnails": _rows,
        "_featurize_batch": featurize_batch,
        "_row_counter": lambda _: lambda: 0,
        "reconcile": _reconcile,
        "require_images": lambda *_: None,
        "task_slots": lambda _: 1,
        "use_pool": lambda *_: None,
    }


def _rows(staged: Staged) -> list[Row]:
    return list(staged.rows)  # type: ignore[arg-type]


@retries.retried
def _stored(tables: Tables) -> list[Row]:
    return [*tables.features(), *tables.quarantine()]  # type: ignore[misc]


def _reconcile(listing: Any, listed: int, tables: Tables) -> Reconciliation:
    """Like the real one: raises unless each listed path is in one table."""
    counts = Counter(row.path for row in _stored(tables))
    if any(counts[row.path] != 1 for row in listing):
        raise AccountingError("not in one table", expected="one", fix="report this")
    return Reconciliation(Counts(listed=listed), {}, 0)


@retries.retried
def _compact(tables: Tables) -> None:
    """The commits of job.output.compaction."""
    for location in (LAYOUT.features, LAYOUT.quarantine):
        tables.lease.renew()
        tables.engine.optimize(location)  # type: ignore[attr-defined]
        tables.lease.renew()
