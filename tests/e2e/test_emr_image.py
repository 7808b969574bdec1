"""The image for EMR on EKS, built on a stand-in for its base image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.cluster import ROOT

STAND_IN = "emr-stand-in:dev"
EMR_IMAGE = os.environ.get("EMR_IMAGE", "image-features-emr:dev")


def docker(*arguments: str) -> str:
    answer = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


@pytest.fixture(scope="session")
def emr_image() -> str:
    """docker/Dockerfile.emr on the stand-in."""
    base = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")
    ours = os.environ.get("IMAGE", "image-features:dev")
    arguments = ("--build-arg", f"IMAGE={ours}", "--build-arg", f"BASE_IMAGE={base}")
    docker("build", "-t", STAND_IN, *arguments, str(ROOT / "tests" / "e2e" / "emr"))
    file = str(ROOT / "docker" / "Dockerfile.emr")
    docker("build", "-f", file, "-t", EMR_IMAGE, "--build-arg", f"BASE_IMAGE={STAND_IN}", str(ROOT))
    return EMR_IMAGE


def test_on_a_stand_in_for_emr_the_command_runs_as_hadoop(emr_image: str) -> None:
    assert "featurize" in docker("run", "--rm", emr_image, "image-features", "--help")
    assert docker("run", "--rm", emr_image, "id", "-un").strip() == "hadoop"


def test_on_a_stand_in_for_emr_an_image_is_featurized(emr_image: str, sample_images: Path) -> None:
    (image, *_) = sorted(sample_images.rglob("*.jpg"))
    mount = f"{image}:/images/Apple/{image.name}:ro"
    submit = ["/usr/lib/spark/bin/spark-submit", "--master", "local[1]"]
    job = ["/opt/image-features/main.py", "featurize", "--input", "/images", "--output", "/tmp/out"]
    answer = docker("run", "--rm", "--volume", mount, emr_image, *submit, *job)
    assert "featurized" in answer
