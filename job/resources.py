"""Where the data files are: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent

# Where pyproject.toml's force-include puts them in the wheel; absent in a checkout.
_IN_WHEEL = _PACKAGE / "data"

# Says that who submits has settled every setting: the list below is not added where it runs.
SETTLED = "spark.imageFeatures.settled"
# Settings that name folders which Spark itself writes to.
EVENT_LOG = "spark.eventLog.dir"
BLOCKS = "spark.storage.decommission.fallbackStorage.path"
FOLDERS = (EVENT_LOG, BLOCKS)


def chart() -> Path:
    """The folder of the Helm chart."""
    return _find("chart", "helm/image-features")


def spark_base_settings() -> Path:
    """The YAML file of the Spark settings that hold everywhere."""
    return chart() / "files" / "spark-base.yaml"


def jar_list() -> Path:
    """The pom.xml that lists the jars which Spark needs beyond its own."""
    return _find("pom.xml", "docker/pom.xml")


def weights_folder() -> Path:
    """The folder of the shipped weights and what is recorded about them."""
    return _find("weights", "docker/weights")


def _find(in_wheel: str, in_checkout: str) -> Path:
    return _IN_WHEEL / in_wheel if _IN_WHEEL.is_dir() else _CHECKOUT / in_checkout
