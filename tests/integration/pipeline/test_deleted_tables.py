"""An output that lacks one of its tables, or files of one: it is repaired, or one line says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.reduction.bundle import load_bundle, load_moments
from job.reduction.moments import compute_moments
from job.runtime.metrics import FEATURIZE_NODE
from job.runtime.progress import RowCounter
from tests.integration.tables import features_of, quarantine_of, summary_of
from tests.support.proxy import Request, Response, S3Proxy

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def images(sample_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images of one variety, half an image, and a text."""
    folder = tmp_path_factory.mktemp("images") / "Apple"
    folder.mkdir()
    for image in sorted(next(sample_images.iterdir()).iterdir())[:6]:
        shutil.copyfile(image, folder / image.name)
    (folder / "half.jpg").write_bytes(image.read_bytes()[:1500])
    (folder / "README").write_text("no image")
    return folder.parent


@pytest.fixture(scope="module")
def made(spark: SparkSession, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with everything that `run` leaves."""
    output = tmp_path_factory.mktemp("made") / "out"
    assert main(["run", *arguments(images, output), "--run-id", "first"]) == 0
    return output


@pytest.fixture
def output(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(made, tmp_path / "out")


def arguments(images: object, output: object) -> list[str]:
    return ["--input", str(images), "--output", str(output), "--max-bad-fraction", "0.5"]


def names(paths: Iterable[str]) -> set[str]:
    return {path.rpartition("/")[2] for path in paths}


def test_deleted_features_are_made_again_and_each_image_is_in_one_table(
    spark: SparkSession, s3: LocalS3Server, proxy: S3Proxy, bucket: str, images: Path
) -> None:
    """An image that was in quarantine only for a moment is among the features then."""
    s3.upload_folder(images, bucket, "images/")
    path, output = f"s3a://{bucket}/images", f"s3a://{bucket}/out"
    passing = next(images.rglob("*_100.jpg")).name
    proxy.hook = _vanished(bucket, f"images/Apple/{passing}")
    try:
        assert main(["featurize", *arguments(path, output)]) == 0
    finally:
        proxy.forward()
    assert names(quarantine_of(spark, output)) == {passing, "half.jpg", "README"}
    _delete_folder(s3, bucket, "out/features/")

    assert main(["featurize", *arguments(path, output), "--run-id", "again"]) == 0
    assert names(quarantine_of(spark, output)) == {"half.jpg", "README"}
    assert len(features_of(spark, output)) == 6
    summary = summary_of(spark, output, "again")
    assert summary["counts"] == {
        "listed": 8,
        "featurized": 6,
        "reused": 0,
        "quarantined": 2,
        "dropped": 0,
    }
    assert summary["repairs"] == [
        "the features table is gone: quarantine was emptied, all images are featurized"
    ]


def test_after_a_repair_the_next_run_reuses_all(
    spark: SparkSession, images: Path, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # A local disk keeps an empty log where the files in it were deleted.
    shutil.rmtree(output / "features")
    (output / "features" / "_delta_log").mkdir(parents=True)
    assert main(["featurize", *arguments(images, output)]) == 0
    assert "repaired" in capfd.readouterr().out
    through_network = RowCounter(spark, FEATURIZE_NODE)
    assert main(["featurize", *arguments(images, output), "--run-id", "next"]) == 0
    assert through_network() == 0
    summary = summary_of(spark, str(output), "next")
    assert (summary["counts"]["reused"], summary["repairs"]) == (6, [])


def test_a_fit_after_features_were_made_again_has_their_rows_alone(
    spark: SparkSession, images: Path, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(output / "features")
    assert main(["featurize", *arguments(images, output)]) == 0
    assert main(["fit", "--output", str(output)]) == 0
    assert "a features table that was deleted since: all rows are read" in capfd.readouterr().err
    moments = load_moments(spark, load_bundle(spark, f"{output}/pca"))
    expected = compute_moments(spark.read.format("delta").load(f"{output}/features"))
    assert moments.count == expected.count == 6
    np.testing.assert_array_equal(moments.mean, expected.mean)


def test_a_quarantine_that_holds_images_twice_is_repaired_as_the_message_says(
    spark: SparkSession,
    images: Path,
    output: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What an earlier release made of an output whose features were deleted."""
    quarantine = spark.read.format("delta").load(f"{output}/quarantine")
    quarantine.write.format("delta").mode("append").save(f"{output}/quarantine")
    assert main(["featurize", *arguments(images, output)]) == 10
    assert f"delete {output.as_uri()}/quarantine and run again" in capfd.readouterr().err
    shutil.rmtree(output / "quarantine")
    assert main(["featurize", *arguments(images, output), "--run-id", "next"]) == 0
    counts = summary_of(spark, str(output), "next")["counts"]
    assert (counts["featurized"], counts["reused"], counts["quarantined"]) == (0, 6, 2)


@pytest.mark.parametrize("lost", ["features", "pca"])
def test_a_complete_run_is_done_again_where_what_it_left_is_gone(
    spark: SparkSession, images: Path, output: Path, lost: str, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(output / lost)
    assert main(["run", *arguments(images, output), "--run-id", "first"]) == 0
    assert "run first was complete, but" in capfd.readouterr().err
    assert (output / lost).is_dir()
    assert len(features_of(spark, str(output))) == 6
    assert main(["run", *arguments(images, output), "--run-id", "first"]) == 0
    assert "run first is complete already" in capfd.readouterr().err


def _without_first_commit(table: str) -> Damage:
    return lambda output: (output / table / "_delta_log" / f"{0:020}.json").unlink()


def _without_log(table: str) -> Damage:
    return lambda output: shutil.rmtree(output / table / "_delta_log")


def _without_rows(table: str) -> Damage:
    def damage(output: Path) -> None:
        for file in (output / table).glob("*.parquet"):
            file.unlink()

    return damage


def _without(table: str) -> Damage:
    return lambda output: shutil.rmtree(output / table)


FEATURIZE = ["featurize", "--input", "IMAGES", "--max-bad-fraction", "0.5"]
# The table that is damaged, how, the command, and what its line says.
DAMAGES = [
    ("features", _without_first_commit, FEATURIZE, "a table of the output lacks files"),
    ("features", _without_rows, FEATURIZE, "a table of the output lacks files"),
    ("features", _without_log, FEATURIZE, "features holds files, but no Delta log"),
    ("quarantine", _without_rows, FEATURIZE, "a table of the output lacks files"),
    ("quarantine", _without_log, FEATURIZE, "quarantine holds files, but no Delta log"),
    ("features", _without_rows, ["fit"], "a table of the output lacks files"),
    ("features", _without, ["report"], "features does not exist"),
    ("quarantine", _without_rows, ["report"], "a table of the output lacks files"),
    ("features", _without, ["compare", "MADE", "OUTPUT"], "features does not exist"),
    ("features", _without, ["classify"], "features does not exist"),
    ("features", _without, ["project", "--bundle", "MADE/pca"], "features does not exist"),
]


@pytest.mark.parametrize(("table", "damage", "command", "message"), DAMAGES)
def test_a_table_that_lacks_files_is_one_line(
    images: Path,
    made: Path,
    output: Path,
    table: str,
    damage: Callable[[str], Damage],
    command: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    damage(table)(output)
    given = {"IMAGES": str(images), "OUTPUT": str(output), "MADE": str(made)}
    words = [given.get(word, word.replace("MADE/", f"{made}/")) for word in command]
    assert main([*words, *([] if "OUTPUT" in command else ["--output", str(output)])]) == 3
    error = capfd.readouterr().err
    assert "Traceback" not in error
    (line,) = [line for line in error.splitlines() if line.startswith("image-features: ")]
    assert message in line
    assert f"/{table}" in line
    assert "fix: " in line


def _vanished(bucket: str, key: str) -> Callable[[Request], Response | None]:
    def answer(request: Request) -> Response | None:
        if (request.bucket, request.key) == (bucket, key) and request.kind in ("GET", "HEAD"):
            return Response.error(404, "NoSuchKey", "The key does not exist")
        return None

    return answer


def _delete_folder(s3: LocalS3Server, bucket: str, prefix: str) -> None:
    client = s3.client()
    for item in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        client.delete_object(Bucket=bucket, Key=item["Key"])
