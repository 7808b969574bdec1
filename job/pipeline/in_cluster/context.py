"""The context of the in-cluster checks: the run's arguments, settings, and Spark session."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from job import regions
from job.checks import CannotCheckError
from job.config import ImagesConfig, NetworkConfig
from job.errors import InvalidValueError
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from job.job_arguments import JobArguments
from job.paths import LOCAL_SCHEME, canonical_path, split_path
from job.runtime.session import spark_session
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error, cause

# One task at a time in the driver; no executors.
_MASTER = "local[1]"
# Doctor is not a run: it writes no event log.
_NO_EVENT_LOG = {"spark.eventLog.enabled": "false"}


@dataclass(frozen=True)
class InClusterContext:
    """`settings` are the Spark settings that the chart renders, or those of `--conf`."""

    arguments: JobArguments
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def spark(self) -> SparkSession:
        """The session that all checks share; the first access starts it."""
        return spark_session("image-features doctor", {**self.settings, **_NO_EVENT_LOG}, _MASTER)

    @property
    def all_settings(self) -> dict[str, str]:
        """The effective Spark settings."""
        return {**dict(self.spark.sparkContext.getConf().getAll()), **self.settings}

    @cached_property
    def hadoop(self) -> Mapping[str, str]:
        """The effective fs.s3a settings; may hold secrets."""
        return hadoop_settings(self.spark)

    @cached_property
    def store(self) -> StoreSettings:
        """How workers access S3. Raises UnmappableSettingError if only s3a can."""
        return store_settings(self.hadoop, os.environ)

    @cached_property
    def images(self) -> ImagesConfig:
        """Which images the run reads. Raises CannotCheckError if it reads none."""
        return ImagesConfig(self.path("input_path"), reader=self._option("reader", "auto"))

    @property
    def network(self) -> NetworkConfig:
        """Which network the run uses."""
        return NetworkConfig(
            backbone=self._option("backbone", NetworkConfig.backbone),
            weights=self._option("weights"),
        )

    def path(self, option: str) -> str:
        """A path of the run's arguments, canonical. Raises CannotCheckError if it is not set."""
        path = self._option(option)
        if path is None:
            raise CannotCheckError(f"the command has no --{option.removesuffix('_path')}")
        return canonical_path(path)

    @property
    def allowed_regions(self) -> tuple[str, ...]:
        """Patterns of allowed regions; empty if any region is allowed."""
        return regions.parse_patterns(self._option("allowed_regions", ""))

    def require_s3(self) -> None:
        """Raise CannotCheckError if input and output are on a local disk."""
        if not self._buckets:
            raise CannotCheckError("input and output are on a local disk")

    @property
    def buckets(self) -> list[str]:
        """The buckets of the run's input and output. Raises CannotCheckError if there are none."""
        self.require_s3()
        return self._buckets

    @cached_property
    def _buckets(self) -> list[str]:
        options = [self._option(name) for name in ("input_path", "output_path")]
        paths = [split_path(canonical_path(path)) for path in options if path is not None]
        return list(dict.fromkeys(bucket for scheme, bucket, _ in paths if scheme != LOCAL_SCHEME))

    def _option(self, name: str, default: Any = None) -> Any:
        value = self.arguments.options.get(name)
        return default if value is None else value


@contextmanager
def translate_spark_errors(where: str, fix: str) -> Iterator[None]:
    """Translate errors of Spark and Hadoop into JobErrors."""
    try:
        yield
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, where) or InvalidValueError(
            f"{where}: {cause(error)}", fix=fix
        ) from error
