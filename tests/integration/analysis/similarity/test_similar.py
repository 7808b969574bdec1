"""`image-features similar` on real images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from job.analysis.similarity.nearest import cosine_distances, euclidean_distances
from job.cli import main
from job.deploy.local.s3_server import LocalS3Server
from job.features.fingerprint import Fingerprint
from job.output.delta_engine import DeltaEngine
from job.output.tables import FINGERPRINT_PROPERTY, fingerprint_of
from tests.integration.conftest import Fruits

pytestmark = pytest.mark.slow

RunSimilar = Callable[..., dict[str, Any]]
Vectors = dict[str, np.ndarray[Any, np.dtype[np.float64]]]


@pytest.fixture
def similar(fruits: Fruits, capfd: pytest.CaptureFixture[str]) -> RunSimilar:
    """Run the command with `--json` and return the parsed output."""

    def run(image: Path | str, *options: str) -> dict[str, Any]:
        capfd.readouterr()
        command = ["similar", str(image), "--output", str(fruits.output), "--json", *options]
        assert main(command) == 0
        return dict(json.loads(capfd.readouterr().out))

    return run


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str], spark: SparkSession) -> Callable[..., str]:
    """Run a command that must fail with an exit code; return its error line."""

    def run(exit_code: int, image: Path | str, output: Path, *options: str) -> str:
        capfd.readouterr()
        assert main(["similar", str(image), "--output", str(output), *options]) == exit_code
        lines = capfd.readouterr().err.splitlines()
        (line,) = [line for line in lines if line.startswith("image-features: ")]
        assert "fix: " in line
        return line

    return run


@pytest.fixture(scope="module")
def known_image(fruits: Fruits) -> Path:
    """An image of the output."""
    return sorted(fruits.images.rglob("*.jpg"))[13]


def vectors_of(spark: SparkSession, fruits: Fruits, on: str) -> Vectors:
    table = (
        spark.read.format("delta").load(str(fruits.output / "features"))
        if on == "features"
        else spark.read.parquet(str(fruits.output / "projection"))
    )
    return {row.path: np.array(row[on], dtype=np.float64) for row in table.collect()}


@pytest.mark.parametrize(
    ("on", "measure", "distances"),
    [("features", "cosine", cosine_distances), ("pca", "euclidean", euclidean_distances)],
)
def test_the_nearest_images_are_found(
    spark: SparkSession,
    fruits: Fruits,
    known_image: Path,
    similar: RunSimilar,
    on: str,
    measure: str,
    distances: Callable[..., Any],
) -> None:
    vectors = vectors_of(spark, fruits, on)
    query = vectors.pop(f"file://{known_image}")
    distance = dict(zip(vectors, distances(np.array([*vectors.values()]), query), strict=True))
    expected = sorted(distance, key=lambda path: (distance[path], path))[:5]

    result = similar(known_image, "--on", on, "--count", "5")

    label, neighbours = known_image.parent.name, result["neighbours"]
    assert (result["measure"], result["in_output"]) == (measure, True)
    assert (result["image"], result["label"]) == (f"file://{known_image}", label)
    assert [neighbour["path"] for neighbour in neighbours] == expected
    np.testing.assert_allclose(
        [neighbour["distance"] for neighbour in neighbours], [distance[path] for path in expected]
    )
    assert {neighbour["label"] for neighbour in neighbours} == {label}


def test_a_large_count_returns_all_other_images(known_image: Path, similar: RunSimilar) -> None:
    assert len(similar(known_image, "--count", "100")["neighbours"]) == 39


@pytest.mark.parametrize("on", ["features", "pca"])
def test_an_unknown_image_is_featurized_like_those_of_the_output(
    known_image: Path, similar: RunSimilar, tmp_path: Path, on: str
) -> None:
    copy = shutil.copyfile(known_image, tmp_path / "unknown")
    result = similar(copy, "--on", on, "--count", "2")

    assert (result["in_output"], result["label"]) == (False, None)
    nearest, second = result["neighbours"]
    assert nearest["path"] == f"file://{known_image}"
    assert nearest["distance"] < 0.01 * second["distance"]


def test_the_image_can_be_an_object_in_a_bucket(
    known_image: Path, similar: RunSimilar, s3: LocalS3Server, bucket: str
) -> None:
    s3.client().put_object(Bucket=bucket, Key="a//b c.jpg", Body=known_image.read_bytes())
    result = similar(f"s3a://{bucket}/a//b c.jpg", "--count", "1")
    assert result["neighbours"][0]["path"] == f"file://{known_image}"


def test_the_table_has_distance_label_and_path(
    fruits: Fruits, known_image: Path, capfd: pytest.CaptureFixture[str], spark: SparkSession
) -> None:
    capfd.readouterr()
    assert main(["similar", str(known_image), "--output", str(fruits.output), "--count", "3"]) == 0
    header, *rows = capfd.readouterr().out.splitlines()
    assert header.split() == ["distance", "label", "path"]
    assert len(rows) == 3
    distances = [float(row.split()[0]) for row in rows]
    assert distances == sorted(distances)
    assert all(f"  {known_image.parent.name}  file:///" in row for row in rows)


def test_user_errors_print_one_line(
    fails: Callable[..., str], fruits: Fruits, tmp_path: Path, bucket: str
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    assert "cannot be decoded: truncated" in fails(2, broken, fruits.output)
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    assert "cannot be decoded: not_an_image" in fails(2, text, fruits.output)
    assert "is a folder" in fails(2, tmp_path, fruits.output)
    assert "neither in the output nor in storage" in fails(3, tmp_path / "x.jpg", fruits.output)
    assert "nor in storage" in fails(3, f"s3a://{bucket}/x.jpg", fruits.output)
    assert "no-such-bucket" in fails(3, "s3a://no-such-bucket-here/x.jpg", fruits.output)
    assert "--count is 0" in fails(2, broken, fruits.output, "--count", "0")


def test_a_missing_output_is_an_error_and_is_not_created(
    fails: Callable[..., str], known_image: Path, tmp_path: Path
) -> None:
    assert "features does not exist" in fails(3, known_image, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_features_of_another_network_are_rejected(
    spark: SparkSession,
    fails: Callable[..., str],
    fruits: Fruits,
    known_image: Path,
    tmp_path: Path,
) -> None:
    output = shutil.copytree(fruits.output, tmp_path / "output")
    recorded = fingerprint_of(DeltaEngine(spark), str(output / "features"))
    assert recorded is not None
    other = Fingerprint.from_dict(recorded | {"tensors_sha256": "0" * 64}).to_dict()
    spark.sql(
        f"ALTER TABLE delta.`{output}/features` "
        f"SET TBLPROPERTIES ('{FINGERPRINT_PROPERTY}' = '{json.dumps(other)}')"
    )
    copy = shutil.copyfile(known_image, tmp_path / "unknown")

    assert "tensors_sha256" in fails(5, copy, output)
    # An image of the output needs no network.
    assert main(["similar", str(known_image), "--output", str(output)]) == 0
    assert "fitted on features of another fingerprint" in fails(5, copy, output, "--on", "pca")


def test_components_of_another_fit_are_rejected(
    fails: Callable[..., str], fruits: Fruits, known_image: Path, tmp_path: Path
) -> None:
    output = shutil.copytree(fruits.output, tmp_path / "output")
    assert main(["fit", "--output", str(output), "--components", "3"]) == 0
    shutil.rmtree(output / "pca")
    shutil.copytree(fruits.output / "pca", output / "pca")
    copy = shutil.copyfile(known_image, tmp_path / "unknown")

    assert "was not made by the scaler + PCA in" in fails(5, copy, output, "--on", "pca")
