"""The saved bundle: a plain PipelineModel, loaded, replaced safely, refused if damaged."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from job import schemas
from job.errors import IncompatibleBundleError
from job.reduction.bundle import (
    Bundle,
    Manifest,
    load_bundle,
    load_moments,
    restore_model,
    save_bundle,
)
from job.reduction.moments import Moments, table_id_of
from job.reduction.pca import fit
from job.reduction.projection import project
from job.runtime import filesystem
from tests.integration.reduction.feature_rows import correlated_rows, features_table

FINGERPRINT = {"backbone": "mobilenet_v2", "numeric_class": "f32"}


def save(spark: SparkSession, rows: np.ndarray, path: Path | str, run_id: str = "r1") -> Bundle:
    moments = Moments.of(rows)
    fitted = fit(moments, components=3)
    manifest = Manifest.of(
        fitted,
        run_id=run_id,
        fingerprint=FINGERPRINT,
        versions={"spark": spark.version},
        variance=None,
        components=3,
    )
    return save_bundle(spark, fitted, moments, manifest, str(path))


def assert_same_fit(bundle: Bundle, expected: Bundle) -> None:
    assert (bundle.fit.count, bundle.fit.k) == (expected.fit.count, expected.fit.k)
    for name in ("mean", "std", "components", "explained_variance", "explained_variance_ratio"):
        np.testing.assert_array_equal(getattr(bundle.fit, name), getattr(expected.fit, name))


def test_a_saved_bundle_is_loaded_completely(spark: SparkSession, tmp_path: Path) -> None:
    rows = correlated_rows()
    saved = save(spark, rows, tmp_path / "pca")
    loaded = load_bundle(spark, str(tmp_path / "pca"))

    assert loaded.manifest == saved.manifest
    assert loaded.manifest.fingerprint == FINGERPRINT
    assert_same_fit(loaded, saved)
    np.testing.assert_array_equal(load_moments(spark, loaded).m2, Moments.of(rows).m2)


def test_moments_are_those_of_one_table(spark: SparkSession, tmp_path: Path) -> None:
    moments, path = Moments.of(correlated_rows()), str(tmp_path / "pca")
    manifest = save(spark, correlated_rows(), path).manifest
    bundle = save_bundle(spark, fit(moments, components=3), moments, manifest, path, "table")
    assert load_moments(spark, bundle, "table").count == moments.count
    with pytest.raises(IncompatibleBundleError, match="deleted since"):
        load_moments(spark, bundle, "another table")


def test_moments_of_earlier_releases_name_no_table(spark: SparkSession, tmp_path: Path) -> None:
    moments = Moments.of(correlated_rows())
    buffer = io.BytesIO()
    np.savez(buffer, count=np.int64(moments.count), mean=moments.mean, m2=moments.m2)
    assert table_id_of(buffer.getvalue()) == ""
    assert Moments.from_bytes(buffer.getvalue()).count == moments.count


def delete_model(model: Path) -> None:
    shutil.rmtree(model)


def delete_last_stage(model: Path) -> None:
    shutil.rmtree(next((model / "stages").glob("1_*")) / "data")


def replace_by_another_fit(model: Path) -> None:
    spark = SparkSession.getActiveSession()
    assert spark is not None
    other = save(spark, correlated_rows(seed=2), model.parents[1] / "other", run_id="r2")
    shutil.rmtree(model)
    shutil.copytree(f"{other.path}/model", model)


@pytest.mark.parametrize("damage", [delete_model, delete_last_stage, replace_by_another_fit])
def test_a_model_that_a_dead_fit_left_is_written_again(
    spark: SparkSession, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    bundle = save(spark, correlated_rows(), tmp_path / "pca")
    assert not restore_model(spark, bundle)
    damage(tmp_path / "pca" / "model")
    assert restore_model(spark, bundle)
    assert not restore_model(spark, bundle)
    model = PipelineModel.load(f"{bundle.path}/model")
    assert model.uid == bundle.manifest.model_uid
    np.testing.assert_array_equal(model.stages[1].pc.toArray(), bundle.fit.components)


def test_a_bundle_is_saved_in_a_bucket(spark: SparkSession, bucket: str) -> None:
    path = f"s3a://{bucket}/output/pca"
    save(spark, correlated_rows(seed=1), path)
    saved = save(spark, correlated_rows(seed=2), path, run_id="r2")

    assert_same_fit(load_bundle(spark, path), saved)
    assert PipelineModel.load(f"{path}/model").uid == "image_features_r2"
    with pytest.raises(IncompatibleBundleError, match=r"has no manifest\.json"):
        load_bundle(spark, f"s3a://{bucket}/elsewhere")


def test_the_saved_model_projects_like_the_job(spark: SparkSession, tmp_path: Path) -> None:
    rows = correlated_rows()
    rows[:, 2] = 0.5
    bundle = save(spark, rows, tmp_path / "pca")
    table = features_table(spark, rows)

    model = PipelineModel.load(str(tmp_path / "pca" / "model"))
    vectors = table.withColumn("features_vector", array_to_vector(F.col(schemas.FEATURES)))
    by_model = model.transform(vectors).select(schemas.PATH, vector_to_array("pca").alias("pca"))

    ours = project(table, bundle.fit).orderBy(schemas.PATH).collect()
    theirs = by_model.orderBy(schemas.PATH).collect()
    np.testing.assert_allclose(
        [row.pca for row in ours], [row.pca for row in theirs], rtol=1e-6, atol=1e-6
    )
    assert model.uid == bundle.manifest.model_uid == "image_features_r1"
    assert model.stages[0].getWithMean()
    assert model.stages[0].getWithStd()
    assert model.stages[1].getK() == 3
    np.testing.assert_allclose(
        model.stages[1].explainedVariance, bundle.fit.explained_variance_ratio[:3]
    )


@pytest.mark.slow
def test_plain_pyspark_loads_the_model_without_this_program(
    spark: SparkSession, tmp_path: Path
) -> None:
    save(spark, correlated_rows(), tmp_path / "pca")
    script = (
        "import sys; from pyspark.sql import SparkSession; from pyspark.ml import PipelineModel\n"
        "spark = SparkSession.builder.master('local[1]').config('spark.ui.enabled', False)"
        ".config('spark.driver.host', '127.0.0.1').getOrCreate()\n"
        "print(PipelineModel.load(sys.argv[1]).uid, 'job' in sys.modules)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "pca" / "model")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert answer.stdout.split() == ["image_features_r1", "False"]


def test_a_new_bundle_replaces_the_old_and_leaves_no_file_of_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    save(spark, correlated_rows(seed=1), tmp_path, run_id="old")
    new = save(spark, correlated_rows(seed=2), tmp_path, run_id="new")

    assert_same_fit(load_bundle(spark, str(tmp_path)), new)
    assert PipelineModel.load(str(tmp_path / "model")).uid == "image_features_new"
    arrays = [new.manifest.arrays[kind].name for kind in ("fit", "moments")]
    assert filesystem.names(spark, str(tmp_path)) == sorted([*arrays, "manifest.json", "model"])


def test_a_process_that_dies_while_replacing_leaves_the_old_bundle(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = save(spark, correlated_rows(seed=1), tmp_path, run_id="old")
    write_bytes = filesystem.write_bytes

    def dies_before_the_manifest(spark: SparkSession, path: str, data: bytes) -> None:
        if path.endswith("manifest.json"):
            raise KeyboardInterrupt
        write_bytes(spark, path, data)

    monkeypatch.setattr(filesystem, "write_bytes", dies_before_the_manifest)
    with pytest.raises(KeyboardInterrupt):
        save(spark, correlated_rows(seed=2), tmp_path, run_id="new")

    loaded = load_bundle(spark, str(tmp_path))
    assert loaded.manifest.run_id == "old"
    assert_same_fit(loaded, old)
    np.testing.assert_array_equal(
        load_moments(spark, loaded).m2, Moments.of(correlated_rows(seed=1)).m2
    )


def test_an_empty_folder_is_no_bundle(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleBundleError, match=r"has no manifest\.json"):
        load_bundle(spark, str(tmp_path))


def test_a_manifest_of_another_program_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "web app", "icons": []}))

    with pytest.raises(IncompatibleBundleError, match=r"has a manifest\.json of something else"):
        load_bundle(spark, str(tmp_path))


def test_a_manifest_that_is_no_text_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(IncompatibleBundleError, match="is not text"):
        load_bundle(spark, str(tmp_path))


def test_a_file_with_one_flipped_byte_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    saved = save(spark, correlated_rows(), tmp_path)
    arrays = tmp_path / saved.manifest.arrays["fit"].name
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)

    with pytest.raises(IncompatibleBundleError, match=f"has a damaged {arrays.name}"):
        load_bundle(spark, str(tmp_path))


def test_a_missing_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    saved = save(spark, correlated_rows(), tmp_path)
    moments = tmp_path / saved.manifest.arrays["moments"].name
    moments.unlink()

    bundle = load_bundle(spark, str(tmp_path))
    with pytest.raises(IncompatibleBundleError, match=f"lacks {moments.name}"):
        load_moments(spark, bundle)
