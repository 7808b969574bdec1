"""Where everything that a run leaves is, under its output path."""

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
    def claim(self) -> str:
        return f"{self.root}/_claim.json"

    @property
    def all_staging(self) -> str:
        # Spark and Delta readers pass over names that begin with an underscore.
        return f"{self.root}/_staging"

    @property
    def runs(self) -> str:
        return f"{self.root}/runs"

    def summary(self, run_id: str) -> str:
        return f"{self.runs}/{run_id}.json"

    def drift(self, run_id: str) -> str:
        return f"{self.root}/drift/{run_id}.json"

    def staging(self, run_id: str) -> str:
        return f"{self.all_staging}/{run_id}"
