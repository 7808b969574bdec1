"""An output of an earlier release: this release goes on with it, and the earlier one after that."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession

from job.deploy.local.s3_server import LocalS3Server, s3a_settings
from job.runtime import filesystem
from tests.integration.tables import read_text, rows_of, summary_of
from tests.support.job_process import Job
from tests.support.processes import wait_until
from tests.support.proxy import S3Proxy
from tests.support.releases import EARLIER_REVISION, Release, release_of, this_release


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release whose outputs stay usable."""
    return release_of(EARLIER_REVISION, tmp_path_factory.mktemp("earlier"))


@dataclass(frozen=True)
class Day:
    """What the run of one day has left: its summary, the rows by path, its last lines."""

    summary: dict[str, Any]
    features: dict[str, Row]
    quarantine: dict[str, Row]
    log: str

    def counts(self) -> tuple[int, ...]:
        """Images listed, featurized, reused, quarantined and dropped."""
        names = ("listed", "featurized", "reused", "quarantined", "dropped")
        return tuple(self.summary["counts"][name] for name in names)


@dataclass(frozen=True)
class Changes:
    """What changed between the first day and the second, as paths of the tables.

    Each key of `twins` is a new or changed image with the bytes of an unchanged one, its value.
    """

    twins: dict[str, str]
    deleted: str


@dataclass(frozen=True)
class Days:
    """Four days of one output: the earlier release, this one, the earlier one, this one."""

    output: Path
    changes: Changes
    first: Day
    second: Day
    third: Day
    fourth: Day


@pytest.fixture(scope="module")
def days(
    spark: SparkSession,
    earlier: Release,
    sample_images: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Days:
    """Forty images, a damaged one and a text file; images change before the second day."""
    folder = tmp_path_factory.mktemp("days")
    images, output = _copied(sample_images, folder / "images"), folder / "output"
    (images / "damaged.jpg").write_bytes(b"no image")
    (images / "notes.txt").write_text("about these images")

    def day(run_id: str, release: Release, *options: str) -> Day:
        paths = ["--input", str(images), "--output", str(output), "--run-id", run_id]
        log = release.run("run", *paths, "--max-bad-fraction", "0.1", *options)
        return Day(
            summary_of(spark, str(output), run_id),
            rows_of(spark, str(output), "features"),
            rows_of(spark, str(output), "quarantine"),
            log,
        )

    first = day("first", earlier)
    changes = _change(images)
    # A new threshold is written to the manifest of the fit, and the fit stays.
    second = day("second", this_release(), "--drift-mean-shift", "0.7")
    shutil.copyfile(images / "added.jpg", images / "added later.jpg")
    third = day("third", earlier)
    fourth = day("fourth", this_release(), "--components", "3")
    return Days(output, changes, first, second, third, fourth)


def _copied(sample_images: Path, folder: Path) -> Path:
    for variety in sorted(sample_images.iterdir())[:2]:
        shutil.copytree(variety, folder / variety.name)
    return folder


def _change(images: Path) -> Changes:
    """Change one image, delete one, repair the damaged one and add one."""
    changed, deleted, *unchanged = sorted(images.glob("*/*.jpg"))
    new = [changed, images / "damaged.jpg", images / "added.jpg"]
    twins = dict(zip(new, unchanged, strict=False))
    for image, twin in twins.items():
        image.write_bytes(twin.read_bytes())
    deleted.unlink()
    return Changes(
        {f"file://{image}": f"file://{twin}" for image, twin in twins.items()}, f"file://{deleted}"
    )


def test_this_release_featurizes_only_what_is_new_or_changed(days: Days) -> None:
    assert days.first.counts() == (42, 40, 0, 2, 0)
    assert days.second.counts() == (42, 3, 38, 1, 1)


def test_each_image_is_in_one_table_after_the_upgrade(days: Days) -> None:
    listed = days.first.features.keys() | days.first.quarantine.keys() | days.changes.twins.keys()
    listed.remove(days.changes.deleted)
    for day in (days.second, days.third, days.fourth):
        assert not day.features.keys() & day.quarantine.keys()
        assert [Path(path).name for path in day.quarantine] == ["notes.txt"]
    assert days.second.features.keys() | days.second.quarantine.keys() == listed


def test_rows_of_unchanged_images_stay_as_they_were(days: Days) -> None:
    changed = {*days.changes.twins, days.changes.deleted}
    kept = {path: row for path, row in days.first.features.items() if path not in changed}
    assert len(kept) == 38
    for day in (days.second, days.third, days.fourth):
        assert {path: day.features[path] for path in kept} == kept


def test_both_releases_make_the_same_features_of_an_image(days: Days) -> None:
    assert days.second.summary["fingerprint"] == days.first.summary["fingerprint"]
    for image, twin in days.changes.twins.items():
        ours, theirs = days.second.features[image], days.first.features[twin]
        assert (ours.run_id, theirs.run_id) == ("second", "first")
        np.testing.assert_allclose(ours.features, theirs.features, atol=1e-4)


def test_the_fit_stays_and_new_images_are_compared_with_it(days: Days) -> None:
    assert days.first.summary["fitted_by"] == days.second.summary["fitted_by"] == "first"
    assert days.second.summary["components"] == days.first.summary["components"]
    assert days.second.summary["drift"]["measured"]


def test_the_earlier_release_goes_on_after_this_one(days: Days) -> None:
    assert days.third.counts() == (43, 1, 41, 1, 0)
    assert days.third.summary["fitted_by"] == "first"
    assert days.third.summary["drift"]["measured"]
    manifest = json.loads((days.output / "pca" / "manifest.json").read_text())
    assert manifest["drift"]["thresholds"]["mean_shift"] == 0.7


def test_this_release_goes_on_after_the_earlier_one(days: Days) -> None:
    assert days.fourth.counts() == (43, 0, 42, 1, 0)
    assert days.fourth.features == days.third.features


def test_this_release_fits_again_from_the_moments_of_the_earlier_one(days: Days) -> None:
    assert days.fourth.summary["fitted_by"] == "fourth"
    assert days.fourth.summary["components"] == 3
    assert "all rows are read" not in days.fourth.log
    assert "the earlier fit is ignored" not in days.fourth.log


def test_the_report_shows_images_that_either_release_featurized(days: Days) -> None:
    assert "run fourth" in (days.output / "report" / "index.html").read_text()
    assert _pictured((days.output / "report" / "data.json").read_text()) == set(
        days.fourth.features
    )


@dataclass(frozen=True)
class Rewritten:
    """An output of the earlier release, on which this release has run each other command."""

    output: Path
    images: Path
    classifier: Path
    run_ids: list[str]


@pytest.fixture(scope="module")
def rewritten(
    earlier: Release, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Rewritten:
    """Forty images and a classifier of the earlier release; then one command after the other."""
    folder = tmp_path_factory.mktemp("rewritten")
    images, output = _copied(sample_images, folder / "images"), folder / "output"
    classifier = output / "classifiers" / "logistic-regression-pca"
    train = ["classify", "--classifier", "logistic-regression", "--on", "pca"]
    earlier.run("run", "--input", str(images), "--output", str(output))
    earlier.run(*train, "--output", str(output))
    commands = [
        ["predict", "--model", str(classifier)],
        ["fit", "--components", "3"],
        ["project", "--bundle", str(output / "pca")],
        ["export", "--format", "npy"],
        ["cluster"],
        train,
        ["report"],
        ["compact", "--retention-hours", "0"],
    ]
    for command in commands:
        this_release().run(*command, "--output", str(output), "--run-id", command[0])
    return Rewritten(output, images, classifier, [command[0] for command in commands])


@pytest.mark.slow
def test_each_command_works_on_an_output_of_the_earlier_release(
    spark: SparkSession, rewritten: Rewritten
) -> None:
    output = rewritten.output
    for run_id in rewritten.run_ids:
        assert summary_of(spark, str(output), run_id)["status"] == "complete"
    assert spark.read.parquet(str(output / "predictions")).count() == 40
    assert np.load(output / "npy" / "features.npy").shape == (40, 3)
    assert spark.read.parquet(str(output / "clusters" / "assignments")).count() == 40
    assert len(list((output / "features").glob("*.parquet"))) == 1
    assert json.loads((rewritten.classifier / "result.json").read_text())["run_id"] == "classify"


@pytest.mark.slow
def test_the_earlier_release_uses_what_each_command_has_written(
    spark: SparkSession, earlier: Release, rewritten: Rewritten
) -> None:
    output = str(rewritten.output)
    paths = ["--input", str(rewritten.images), "--output", output]
    earlier.run("run", *paths, "--run-id", "back", "--components", "3")
    summary = summary_of(spark, output, "back")
    assert (summary["counts"]["reused"], summary["fitted_by"]) == (40, "fit")
    report = json.loads((rewritten.output / "report" / "data.json").read_text())
    assert {"clusters", "classifiers"} <= report["sections"].keys()

    model = ["--model", str(rewritten.classifier)]
    earlier.run("predict", *model, "--output", output, "--run-id", "predict-again")
    assert summary_of(spark, output, "predict-again")["status"] == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["earlier release", "this release"])
def test_the_other_release_goes_on_with_a_run_that_was_killed(
    spark: SparkSession,
    earlier: Release,
    s3: LocalS3Server,
    proxy: S3Proxy,
    bucket: str,
    sample_images: Path,
    killed: str,
) -> None:
    for variety in sorted(sample_images.iterdir())[:2]:
        s3.upload_folder(variety, bucket, f"images/{variety.name}")
    output = f"s3a://{bucket}/output"
    command = ["run", "--input", f"s3a://{bucket}/images", "--output", output, "--run-id", "same"]
    command += ["--batch-images", "8", "--lease-seconds", "2"]
    command += [f"--conf={key}={value}" for key, value in s3a_settings(proxy.endpoint).items()]
    releases = [earlier, this_release()]
    first, second = releases if killed == "earlier release" else reversed(releases)
    _kill_after_two_commits(spark, output, first.start(*command, environment=s3.environment()))
    committed, lease = rows_of(spark, output, "features"), _lease(spark, output)
    assert 0 < len(committed) < 40
    assert not lease["released"]

    fetched = proxy.count("GET", "images/")
    second.run(*command, environment=s3.environment())
    assert proxy.count("GET", "images/") - fetched == 40 - len(committed)
    rows = rows_of(spark, output, "features")
    assert len(rows) == 40
    assert {path: rows[path] for path in committed} == committed
    assert summary_of(spark, output, "same")["counts"]["featurized"] == 40
    assert _pictured(read_text(spark, f"{output}/report/data.json")) == set(rows)
    after = _lease(spark, output)
    assert after["released"]
    assert after["number"] > lease["number"]
    assert not filesystem.exists(spark, f"{output}/_staging")
    assert _writers(spark, output) == {"image-features"}


def _kill_after_two_commits(
    spark: SparkSession, output: str, started: AbstractContextManager[Job]
) -> None:
    with started as running:
        running.wait_for("list:")
        second_commit = f"{output}/features/_delta_log/00000000000000000002.json"
        wait_until(lambda: filesystem.exists(spark, second_commit), 120)
        running.kill()


def _lease(spark: SparkSession, output: str) -> dict[str, Any]:
    return dict(json.loads(read_text(spark, f"{output}/_claim.json")))


def _pictured(report_data: str) -> set[str]:
    """Paths of the images that the report has a thumbnail of."""
    points = json.loads(report_data)["points"]
    return {path for path, _, _, _, thumbnail, *_ in points if thumbnail}


def _writers(spark: SparkSession, output: str) -> set[str]:
    """Under which names runs have appended: Delta passes over an append that comes too late."""
    commits = spark.read.json(f"{output}/features/_delta_log/*.json")
    return {row.appId for row in commits.where("txn IS NOT NULL").select("txn.appId").collect()}
