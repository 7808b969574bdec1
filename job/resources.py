"""Finds the data files: next to the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent

# The target of force-include in pyproject.toml; missing in a checkout.
_IN_WHEEL = _PACKAGE / "data"

# Marks the submitted settings as complete: the job does not add `spark_base_settings` to them.
SETTLED = "spark.imageFeatures.settled"
# Settings with the folders that Spark itself writes to.
EVENT_LOG = "spark.eventLog.dir"
BLOCKS = "spark.storage.decommission.fallbackStorage.path"
FOLDERS = (EVENT_LOG, BLOCKS)


def chart() -> Path:
    """The folder of the Helm chart."""
    return _find("chart", "helm/image-features")


def spark_base_settings() -> Path:
    """The YAML file of the base settings, which all targets share."""
    return chart() / "files" / "spark-base.yaml"


def jar_list() -> Path:
    """The pom.xml with the additional jars of Spark."""
    return _find("pom.xml", "docker/pom.xml")


def weights_folder() -> Path:
    """The folder of the shipped weights and their metadata."""
    return _find("weights", "docker/weights")


def _find(in_wheel: str, in_checkout: str) -> Path:
    return _IN_WHEEL / in_wheel if _IN_WHEEL.is_dir() else _CHECKOUT / in_checkout
