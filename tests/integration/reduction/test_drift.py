"""New images compared with those of the fit: similar, other varieties, darkened, blurred."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from pyspark.sql import SparkSession

from job.cli import main
from job.reduction.bundle import Bundle, load_bundle
from job.reduction.drift.expected_residual import fit_residual
from tests.integration.tables import features_of, read_text, summary_of

pytestmark = pytest.mark.slow

FITTED_VARIETIES = 6


@dataclass(frozen=True)
class Fitted:
    """A run on every other view of some varieties, and the folders of later images."""

    output: Path
    training: Path
    same: Path
    others: Path

    @property
    def bundle(self) -> str:
        return f"{self.output}/pca"


@pytest.fixture(scope="module")
def fitted(
    spark: SparkSession, sample_images: Path, tmp_path_factory: pytest.TempPathFactory
) -> Fitted:
    """A fit on 60 images of 6 varieties, 60 other views of them, and 40 images of others."""
    root = tmp_path_factory.mktemp("drift")
    fitted = Fitted(root / "output", root / "training", root / "same", root / "others")
    varieties = sorted(sample_images.iterdir())
    for variety in varieties[:FITTED_VARIETIES]:
        for number, image in enumerate(sorted(variety.iterdir())):
            _copy(image, (fitted.same if number % 2 else fitted.training) / variety.name)
    for variety in varieties[-2:]:
        for image in sorted(variety.iterdir()):
            _copy(image, fitted.others / variety.name)
    assert _run(fitted.training, fitted.output, "fit") == 0
    return fitted


def _copy(image: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(image, folder)


def _run(images: Path, output: Path, run_id: str, *more: str) -> int:
    return main(["run", "--input", str(images), "--output", str(output), "--run-id", run_id, *more])


def _project(bundle: str, images: Path, output: Path, *more: str) -> int:
    arguments = ["project", "--bundle", bundle, "--input", str(images), "--output", str(output)]
    return main([*arguments, "--run-id", "new", *more])


def _drift(spark: SparkSession, output: Path, run_id: str = "new") -> dict[str, Any]:
    return dict(json.loads(read_text(spark, f"{output}/drift/{run_id}.json")))


def test_the_images_of_the_fit_are_the_reference(spark: SparkSession, fitted: Fitted) -> None:
    reference = load_bundle(spark, fitted.bundle).manifest.drift

    assert reference is not None
    assert reference["thresholds"] == {"mean_shift": 0.5, "reconstruction": 1.5, "outside": 0.1}
    assert reference["expected_residual"] > 1
    assert reference["region"]["distance"] > 1
    drift = summary_of(spark, str(fitted.output), "fit")["drift"]
    assert drift == {"measured": False, "why": "these are the images of the fit"}
    assert not (fitted.output / "drift").exists()


def test_other_views_of_the_same_varieties_are_no_drift(
    spark: SparkSession, fitted: Fitted, tmp_path: Path
) -> None:
    output = tmp_path / "output"

    assert _project(fitted.bundle, fitted.same, output, "--fail-on-drift") == 0

    drift = summary_of(spark, str(output), "new")["drift"]
    assert (drift["measured"], drift["images"], drift["findings"]) == (True, 60, [])
    assert drift["fitted_by"] == "fit"
    assert _drift(spark, output)["findings"] == []


def test_other_varieties_are_drift_and_the_numbers_equal_numpys(
    spark: SparkSession, fitted: Fitted, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"
    assert _project(fitted.bundle, fitted.others, output, "--fail-on-drift") == 14
    stderr = capfd.readouterr().err
    assert "drift: the components miss" in stderr
    assert "the new images drift from those of" in stderr

    # The output is complete before the exit.
    assert spark.read.parquet(f"{output}/projection").count() == 40
    assert (output / "final_features.csv").exists()
    drift = _drift(spark, output)
    assert drift["images"] == 40
    _assert_as_numpy(spark, output, drift, load_bundle(spark, fitted.bundle))


def _assert_as_numpy(
    spark: SparkSession, output: Path, drift: dict[str, Any], bundle: Bundle
) -> None:
    fit, reference = bundle.fit, bundle.manifest.drift
    assert reference is not None
    rows = np.array(list(features_of(spark, str(output)).values()), dtype=np.float64)
    scaled = (rows - fit.mean) * fit.scale
    components = scaled @ fit.components
    residuals = ((scaled - components @ fit.components.T) ** 2).sum(axis=1) / fit_residual(fit)
    variances = fit.explained_variance[: fit.k]
    distances = (components**2 / variances).mean(axis=1)

    np.testing.assert_allclose(
        drift["shifts"], components.mean(axis=0) / np.sqrt(variances), atol=1e-9
    )
    assert drift["residual"] == pytest.approx(residuals.mean())
    region = reference["region"]
    outside = (distances > region["distance"]) | (residuals > region["residual"])
    assert drift["outside"]["value"] == pytest.approx(outside.mean())
    expected = region["residual_median"] * reference["expected_residual"]
    median = np.quantile(residuals, 0.5, method="inverted_cdf") / expected
    # Quantiles of histograms are exact to the width of a bin.
    assert drift["reconstruction"]["value"] == pytest.approx(median, rel=0.022)


def test_a_daily_run_compares_new_images_with_the_kept_fit(
    spark: SparkSession,
    fitted: Fitted,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    output, images = tmp_path / "output", tmp_path / "images"
    shutil.copytree(fitted.output, output)
    shutil.copytree(fitted.training, images)
    # The table knows the images under other paths: here they count as new, and are similar.
    assert _run(images, output, "moved", "--fail-on-drift") == 0
    shutil.copytree(fitted.others, images, dirs_exist_ok=True)
    assert _run(images, output, "next-day", "--report-copy", str(tmp_path / "report.html")) == 0

    summary = summary_of(spark, str(output), "next-day")
    assert summary["fitted_by"] == "fit"
    assert summary["counts"]["reused"] == 60
    assert summary["drift"]["images"] == 40
    assert summary["drift"]["findings"]
    assert "drift: the components miss" in capfd.readouterr().err
    report = (tmp_path / "report.html").read_text()
    assert report.index("next-day<br>") < report.index("moved<br>")

    assert _run(images, output, "nothing-new", "--drift-reconstruction", "99") == 0
    assert summary_of(spark, str(output), "nothing-new")["drift"]["why"] == "no new images"
    manifest = load_bundle(spark, f"{output}/pca").manifest
    assert manifest.drift is not None
    assert manifest.drift["thresholds"]["reconstruction"] == 99
    assert manifest.run_id == "fit"


def test_an_old_fit_without_drift_still_works(
    spark: SparkSession, fitted: Fitted, tmp_path: Path
) -> None:
    bundle = shutil.copytree(fitted.bundle, tmp_path / "pca")
    manifest = json.loads((bundle / "manifest.json").read_text())
    del manifest["drift"]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    (bundle / ".manifest.json.crc").unlink(missing_ok=True)
    output = shutil.copytree(fitted.output, tmp_path / "output")

    arguments = ["project", "--bundle", str(bundle), "--output", str(output), "--run-id", "old"]
    assert main([*arguments, "--fail-on-drift"]) == 0

    drift = summary_of(spark, str(output), "old")["drift"]
    assert not drift["measured"]
    assert "kept nothing to compare with" in drift["why"]


def test_a_damaged_reference_is_refused_before_anything_is_written(
    spark: SparkSession, fitted: Fitted, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = shutil.copytree(fitted.bundle, tmp_path / "pca")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["drift"] = {"thresholds": {"colour": "red"}}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    (bundle / ".manifest.json.crc").unlink(missing_ok=True)
    output = tmp_path / "output"

    assert _project(str(bundle), fitted.same, output) == 5
    assert "has another `drift` than this program writes" in capfd.readouterr().err
    assert not (output / "features").exists()


def _darkened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.4)


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(4))


@pytest.mark.parametrize("spoil", [_darkened, _blurred])
def test_the_same_varieties_from_a_worse_camera_are_drift(
    fitted: Fitted,
    tmp_path: Path,
    spoil: Callable[[Image.Image], Image.Image],
) -> None:
    images = shutil.copytree(fitted.same, tmp_path / "images")
    for path in images.rglob("*.jpg"):
        with Image.open(path) as image:
            spoil(image).save(path, quality=95)

    assert _project(fitted.bundle, images, tmp_path / "output", "--fail-on-drift") == 14
