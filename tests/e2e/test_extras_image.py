"""The image with the packages of `classify --classifier xgboost`; `make e2e ARGS="-m slow"`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pandas
import pytest

from tests.e2e.cluster import ROOT

pytestmark = pytest.mark.slow

IMAGE = "image-features-extras:dev"
PACKAGES = "EXTRA_PACKAGES=scikit-learn xgboost-cpu"
# As the chart's pods have it: nothing but these folders can be written.
POD = ("--read-only", "--tmpfs=/tmp:exec,mode=1777", "--tmpfs=/opt/spark/work-dir:mode=1777")


@pytest.fixture(scope="module")
def extras_image() -> str:
    base = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")
    make = ["make", "image", f"IMAGE={IMAGE}", PACKAGES, f"BASE_IMAGE={base}"]
    subprocess.run(make, cwd=ROOT, check=True, timeout=1200)
    return IMAGE


def test_gradient_boosted_trees_are_trained_and_applied_in_a_read_only_container(
    extras_image: str, sample_images: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    volumes = (f"--volume={sample_images}:/images:ro", f"--volume={tmp_path}:/out")

    def image_features(*arguments: str) -> str:
        command = ["docker", "run", "--rm", *POD, *volumes, extras_image, "image-features"]
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    output = ("--output", "/out/features")
    image_features("featurize", "--input", "/images", *output)
    said = image_features("classify", *output, "--classifier", "xgboost")
    assert "xgboost-features: accuracy" in said
    assert "training-mlogloss" not in said
    model = "/out/features/classifiers/xgboost-features"
    image_features("predict", "--model", model, "--output", "/out/predicted", "--input", "/images")
    assert len(pandas.read_parquet(tmp_path / "predicted" / "predictions")) == 240
