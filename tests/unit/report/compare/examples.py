"""Two outputs to compare, and one that only projects."""

from __future__ import annotations

from typing import Any

from job.report.compare.outputs import ComparedOutput, Score

MOBILENET = {"backbone": "mobilenet_v2", "tensors_sha256": "ab" * 32, "input_size": [224, 224]}


def mobilenet_output(**changes: Any) -> ComparedOutput:
    """MobileNetV2 on 22,688 images: 5 components in its curve, 4 for 90 %."""
    values: dict[str, Any] = {
        "output": "s3a://results/mobilenet",
        "fingerprint": MOBILENET,
        "images": 22688,
        "feature_count": 1280,
        "features_bytes": 118_000_000,
        "projection_bytes": 7_400_000,
        "speed_of": "r1",
        "images_per_second": 113.4,
        "seconds": 245.0,
        "k": 4,
        "fitted_by": "r1",
        "variance_curve": [0.4, 0.3, 0.1, 0.1, 0.1],
        "scores": [Score("logistic_regression", "pca", 0.951, 0.948)],
    }
    return ComparedOutput(**{**values, **changes})


def vgg_output() -> ComparedOutput:
    """VGG16 on the same images, without a classifier on its PCA."""
    return mobilenet_output(
        output="s3a://results/vgg16",
        fingerprint={**MOBILENET, "backbone": "vgg16", "tensors_sha256": "cd" * 32},
        feature_count=512,
        variance_curve=[0.8, 0.15, 0.05],
        scores=[Score("logistic_regression", "features", 0.97)],
    )


def projected_output() -> ComparedOutput:
    """Other images, projected with the fit of the first output; 12 % of them are outliers."""
    return ComparedOutput(
        output="s3a://results/test",
        fingerprint=MOBILENET,
        images=120,
        feature_count=1280,
        features_bytes=600_000,
        k=4,
        fitted_by="r1",
        drift=["12.0 % of 120 images lie outside the fitted region"],
    )
