"""Configs refuse wrong values, and the message contains the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from job.config import (
    ClassifyConfig,
    ClusterConfig,
    CompactConfig,
    DriftConfig,
    ExportConfig,
    FeaturizeConfig,
    FitConfig,
    ImagesConfig,
    NetworkConfig,
    PredictConfig,
    ProjectConfig,
    ReportConfig,
    RunConfig,
    SampleConfig,
    SimilarConfig,
    new_run_id,
)
from job.errors import InvalidValueError

IMAGES = ImagesConfig("s3a://bucket/images")


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: FitConfig("out", variance=0.0), "0.0"),
        (lambda: FitConfig("out", variance=1.01), "1.01"),
        (lambda: FitConfig("out", components=0), "0"),
        (lambda: DriftConfig(mean_shift=0.0), "--drift-mean-shift is 0.0"),
        (lambda: DriftConfig(outside=float("nan")), "--drift-outside is nan"),
        (lambda: FeaturizeConfig("out", IMAGES, max_bad_fraction=-0.5), "-0.5"),
        (lambda: FeaturizeConfig("out", IMAGES, batch_images=0), "0"),
        (lambda: NetworkConfig(batch_size=0), "0"),
        (lambda: ImagesConfig("in", reader="boto3"), "boto3"),
        (lambda: ImagesConfig("in", label_level=-1), "-1"),
        (lambda: ImagesConfig("in", max_image_bytes=0), "0"),
        (lambda: ExportConfig("out", file_format="xls"), "xls"),
        (lambda: ExportConfig("out", file_format="npy", exported="pixels"), "pixels"),
        (lambda: ExportConfig("out", exported="features"), "--format csv"),
        (lambda: ClusterConfig("out", clusters=1), "1"),
        (lambda: ClusterConfig("out", restarts=0), "0"),
        (lambda: SimilarConfig("out", "image", count=0), "0"),
        (lambda: SimilarConfig("out", "image", count=10_001), "10001"),
        (lambda: SimilarConfig("out", "image", on="pixels"), "pixels"),
        (lambda: FeaturizeConfig("s3a://bucket/images/out", IMAGES), "within the input"),
        (lambda: FeaturizeConfig("s3://bucket/images", IMAGES), "the input itself"),
        (lambda: ExportConfig("out", "parquet", "out/copy"), "lies in the output"),
        (lambda: ExportConfig("a/out", "parquet", "a"), "holds the output"),
        (lambda: ExportConfig("out", "parquet", "copy[1]"), "--destination copy[1]"),
        (lambda: ExportConfig("out", "parquet"), "no --destination"),
        (lambda: ExportConfig("out", "csv", "out/features"), "lies in the output"),
        (lambda: ReportConfig("out", "out/report/index.html"), "lies in the output"),
        (lambda: ReportConfig("out", "s3a://bucket/report.html"), "not on this machine"),
        (lambda: SampleConfig(IMAGES, "s3a://bucket", classes=1), "one in the other"),
        (lambda: PredictConfig("out", "model*"), "--model model*"),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], Any], value: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        make()
    assert value in str(raised.value)
    assert raised.value.exit_code == 2


GLOB = "s3a://bucket/out[1]"


@pytest.mark.parametrize(
    "make",
    [
        lambda: FeaturizeConfig(GLOB, IMAGES),
        lambda: FitConfig(GLOB),
        lambda: ProjectConfig(GLOB, "pca"),
        lambda: ExportConfig(GLOB),
        lambda: ReportConfig(GLOB),
        lambda: CompactConfig(GLOB),
        lambda: ClusterConfig(GLOB),
        lambda: SimilarConfig(GLOB, "image"),
        lambda: ClassifyConfig(GLOB),
        lambda: PredictConfig(GLOB, "model"),
    ],
)
def test_an_output_that_spark_reads_as_a_pattern_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(InvalidValueError, match=r"--output s3a://bucket/out\[1\] has \[ \] in it"):
        make()


def test_a_report_copy_among_the_images_is_refused() -> None:
    images = ImagesConfig("/data/images")
    parts = (
        FeaturizeConfig("/data/out", images),
        FitConfig("/data/out"),
        ExportConfig("/data/out"),
    )
    with pytest.raises(InvalidValueError, match="lies in the input"):
        RunConfig(*parts, ReportConfig("/data/out", "/data/images/report.html"))


def test_the_whole_variance_is_a_valid_share() -> None:
    assert FitConfig("out", variance=1.0).variance == 1.0


def test_run_ids_sort_by_time_and_differ() -> None:
    first, second = new_run_id(), new_run_id()
    assert first != second
    assert first[:15] <= second[:15]
