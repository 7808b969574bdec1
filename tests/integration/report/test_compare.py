"""`image-features compare` on two outputs of real images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from job.cli import main
from tests.unit.analysis.classification.examples import pca_result

pytestmark = pytest.mark.slow

RESULT = pca_result()


@pytest.fixture(scope="module")
def outputs(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A run on twenty images, and a copy with another fit and the results of classifiers."""
    root = tmp_path_factory.mktemp("compare")
    first, second = root / "first", root / "second"
    variety = next(sample_images.iterdir())
    assert main(["run", "--input", str(variety), "--output", str(first), "--run-id", "r1"]) == 0
    shutil.copytree(first, second)
    assert main(["fit", "--output", str(second), "--components", "3", "--run-id", "r2"]) == 0
    for name, text in [("good", RESULT.to_json()), ("half", "{"), ("other", '{"accuracy": 1}')]:
        (second / "classifiers" / name).mkdir(parents=True)
        (second / "classifiers" / name / "result.json").write_text(text)
    (second / "classifiers" / "empty").mkdir()
    return first, second


def test_json_has_the_values_of_each_output(
    outputs: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert main(["compare", *map(str, outputs), "--json"]) == 0
    first, second = json.loads(capfd.readouterr().out)

    assert (first["images"], first["feature_count"]) == (20, 1280)
    assert first["fingerprint"] == second["fingerprint"]
    assert first["fingerprint"]["backbone"] == "mobilenet_v2"
    summary = json.loads((outputs[0] / "runs" / "r1.json").read_text())
    assert first["speed_of"] == second["speed_of"] == "r1"
    assert first["images_per_second"] == summary["images_per_second"]
    assert (first["k"], second["k"]) == (summary["components"], 3)
    assert second["fitted_by"] == "r2"
    assert first["variance_curve"] == pytest.approx(second["variance_curve"])
    assert (first["scores"], second["scores"]) == (
        [],
        [
            {
                "classifier": "logistic-regression",
                "on": "pca",
                "accuracy": RESULT.scores.accuracy,
                "macro_f1": RESULT.scores.macro_f1,
                "without_near_duplicates": RESULT.near_duplicates.without.accuracy,
            }
        ],
    )
    for values, output in zip((first, second), outputs, strict=True):
        assert values["features_bytes"] == _parquet_bytes(output / "features")
        # The folder also has a marker file and, on a local disk, checksums.
        projection = _parquet_bytes(output / "projection")
        assert values["projection_bytes"] == pytest.approx(projection, rel=0.05)


def _parquet_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def test_the_table_and_the_page_show_the_same_rows(
    outputs: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new folder" / "compare.html"
    capfd.readouterr()
    assert main(["compare", *map(str, outputs), "--html", str(page)]) == 0

    table = capfd.readouterr().out
    html = page.read_text()
    for name in ("images/s", "k for 90 %", "size of the features", "logistic-regression on pca"):
        assert name in table
        assert name in html
    assert "mobilenet_v2" in table
    assert "65.0 %, macro F1 48.5 %" in html


@pytest.mark.parametrize("others", [["nowhere"], []])
def test_a_user_error_prints_one_line(
    outputs: tuple[Path, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    others: list[str],
) -> None:
    arguments = ["compare", str(outputs[0]), *[str(tmp_path / name) for name in others]]
    capfd.readouterr()
    assert main(arguments) == (3 if others else 2)
    lines = capfd.readouterr().err.splitlines()
    (line,) = [line for line in lines if line.startswith("image-features: ")]
    assert "fix: " in line
