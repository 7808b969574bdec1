"""The paths of everything that a run writes under its output path."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The names under one canonical output path (no trailing slash)."""

    root: str

    @property
    def features(self) -> str:
        return f"{self.root}/features"

    @property
    def quarantine(self) -> str:
        return f"{self.root}/quarantine"

    @property
    def bundle(self) -> str:
        return f"{self.root}/pca"

    @property
    def projection(self) -> str:
        return f"{self.root}/projection"

    @property
    def csv(self) -> str:
        return f"{self.root}/final_features.csv"

    @property
    def arrays(self) -> str:
        return f"{self.root}/npy"

    @property
    def clusters(self) -> str:
        return f"{self.root}/clusters"

    @property
    def report(self) -> str:
        return f"{self.root}/report/index.html"

    @property
    def report_data(self) -> str:
        return f"{self.root}/report/data.json"

    @property
    def classifiers(self) -> str:
        return f"{self.root}/classifiers"

    @property
    def predictions(self) -> str:
        return f"{self.root}/predictions"

    @property
    def low_confidence(self) -> str:
        return f"{self.root}/low_confidence.csv"

    @property
    def lease(self) -> str:
        return f"{self.root}/_claim.json"

    @property
    def all_staging(self) -> str:
        # Spark and Delta readers skip names that start with an underscore.
        return f"{self.root}/_staging"

    @property
    def runs(self) -> str:
        return f"{self.root}/runs"

    def result_paths(self, command: str) -> tuple[str, ...]:
        """Paths that exist after a complete run of `command`; none for other commands.

        A folder that is written in several steps is represented by the file written last.
        """
        tables = (f"{self.features}/_delta_log", f"{self.quarantine}/_delta_log")
        fit, projection = f"{self.bundle}/manifest.json", f"{self.projection}/_SUCCESS"
        paths = {
            "run": (*tables, fit, projection, self.report),
            "featurize": tables,
            "fit": (fit, projection),
            "project": (tables[0], projection),
            "report": (self.report,),
            "cluster": (self.clusters,),
            "classify": (self.classifiers,),
            "predict": (tables[0], self.predictions),
        }
        return paths.get(command, ())

    @property
    def drifts(self) -> str:
        return f"{self.root}/drift"

    @property
    def own_paths(self) -> tuple[str, ...]:
        """The paths directly under the root that commands write and overwrite."""
        return (
            self.features,
            self.quarantine,
            self.bundle,
            self.projection,
            self.csv,
            self.arrays,
            self.clusters,
            self.report.rpartition("/")[0],
            self.classifiers,
            self.predictions,
            self.low_confidence,
            self.lease,
            self.all_staging,
            self.runs,
            self.drifts,
        )

    @property
    def example_files(self) -> tuple[str, ...]:
        """A file of each kind that commands write, to test whether a glob matches any."""
        part = "part-00000-0-c000.snappy.parquet"
        return (
            f"{self.features}/{part}",
            f"{self.features}/_delta_log/00000000000000000000.json",
            f"{self.quarantine}/{part}",
            f"{self.bundle}/manifest.json",
            f"{self.bundle}/fit-0.npz",
            f"{self.bundle}/model/metadata/part-00000-0-c000.txt",
            f"{self.projection}/{part}",
            f"{self.projection}/_SUCCESS",
            self.csv,
            f"{self.arrays}/features.npy",
            f"{self.clusters}/assignments/{part}",
            self.report,
            self.report_data,
            f"{self.classifiers}/logistic-regression/result.json",
            f"{self.predictions}/{part}",
            self.low_confidence,
            self.lease,
            self.summary("run"),
            self.drift("run"),
        )

    def summary(self, run_id: str) -> str:
        return f"{self.runs}/{run_id}.json"

    def drift(self, run_id: str) -> str:
        return f"{self.drifts}/{run_id}.json"

    def staging(self, run_id: str, lease_number: int) -> str:
        """The staging folder of one process; a repeated run has another lease number."""
        return f"{self.all_staging}/{lease_number}-{run_id}"
