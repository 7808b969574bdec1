"""What is examined inside: the run's arguments and settings, and the Spark that they give."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from job import regions
from job.checks import CannotLookError
from job.config import ImagesConfig, NetworkConfig
from job.errors import InvalidValueError
from job.images.s3a_config import StoreSettings, hadoop_settings, store_settings
from job.job_arguments import JobArguments
from job.paths import LOCAL_SCHEME, canonical_path, split_path
from job.runtime.session import spark_session
from job.runtime.spark_errors import STORAGE_EXCEPTIONS, as_job_error, cause

# One task at a time, here: no executor is asked for.
_MASTER = "local[1]"
# A look at the settings is no run: it leaves no event log.
_NO_EVENT_LOG = {"spark.eventLog.enabled": "false"}


@dataclass(frozen=True)
class Inside:
    """`settings` are Spark's as the chart renders them, or a person's `--conf`."""

    arguments: JobArguments
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def spark(self) -> SparkSession:
        """The session that all checks share; its first use starts it."""
        return spark_session("image-features doctor", {**self.settings, **_NO_EVENT_LOG}, _MASTER)

    @property
    def all_settings(self) -> dict[str, str]:
        """Spark's settings in force."""
        return {**dict(self.spark.sparkContext.getConf().getAll()), **self.settings}

    @cached_property
    def hadoop(self) -> Mapping[str, str]:
        """The fs.s3a settings in force; may hold secrets."""
        return hadoop_settings(self.spark)

    @cached_property
    def store(self) -> StoreSettings:
        """How workers reach S3. Raises UnmappableSettingError where only s3a can."""
        return store_settings(self.hadoop, os.environ)

    @cached_property
    def images(self) -> ImagesConfig:
        """Which images the run reads. Raises CannotLookError where it reads none."""
        return ImagesConfig(self.path("input_path"), reader=self._option("reader", "auto"))

    @property
    def network(self) -> NetworkConfig:
        """Which network the run takes."""
        return NetworkConfig(
            backbone=self._option("backbone", NetworkConfig.backbone),
            weights=self._option("weights"),
            precision=self._option("precision", NetworkConfig.precision),
        )

    def path(self, option: str) -> str:
        """A path of the run's arguments, canonical. Raises CannotLookError where it has none."""
        given = self._option(option)
        if given is None:
            raise CannotLookError(f"the command has no --{option.removesuffix('_path')}")
        return canonical_path(given)

    @property
    def allowed_regions(self) -> tuple[str, ...]:
        """Patterns of regions that the data may be in; none where it may be anywhere."""
        return regions.patterns(self._option("allowed_regions", ""))

    def require_s3(self) -> None:
        """Raise CannotLookError where input and output are on a disk."""
        if not self._buckets:
            raise CannotLookError("input and output are on a disk")

    @property
    def buckets(self) -> list[str]:
        """The buckets of the run's input and output. Raises CannotLookError without any."""
        self.require_s3()
        return self._buckets

    @cached_property
    def _buckets(self) -> list[str]:
        given = [self._option(option) for option in ("input_path", "output_path")]
        paths = [split_path(canonical_path(path)) for path in given if path is not None]
        return list(dict.fromkeys(bucket for scheme, bucket, _ in paths if scheme != LOCAL_SCHEME))

    def _option(self, name: str, default: Any = None) -> Any:
        given = self.arguments.options.get(name)
        return default if given is None else given


@contextmanager
def told(where: str, fix: str) -> Iterator[None]:
    """Raise what Spark and Hadoop raise as errors that a person can mend."""
    try:
        yield
    except STORAGE_EXCEPTIONS as error:
        raise as_job_error(error, where) or InvalidValueError(
            f"{where}: {cause(error)}", fix=fix
        ) from error
